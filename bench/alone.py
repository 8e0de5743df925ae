"""A worker that includes this module takes one order at a time of each product: it holds a lock
from reserving to confirming, as shops do that fear for their stock.
"""

from __future__ import annotations

from orders import checkout
from orders.models import OrderLine
from tasks.locks import lock_all

_advance = checkout.advance_checkout


def advance_checkout(*, order_id: int) -> None:
    lines = OrderLine.objects.filter(order_id=order_id)
    keys = [f"bench:{product_id}" for product_id in lines.values_list("product_id", flat=True)]
    with lock_all(keys, ttl=30, wait=60):
        _advance(order_id=order_id)


checkout.advance_checkout = advance_checkout
