"""What can be bought, and a crowd that buys it: many orders placed at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from django.db import connection
from django.db.models import F, Sum

from inventory.models import Product
from orders.placing import place_order
from shop.demo import flash
from shop.demo.shopping import Wish
from shop.progress import Reporter

PLENTY = 20
"""Units of a product that a few dozen random baskets hardly ever empty."""

HANDS = 4
"""Threads, each with a database connection of its own. More only queue at two processor cores."""


def on_offer() -> list[str]:
    """SKUs that a small crowd can shop among: in stock, of one currency, the plentiful ones if
    there are any.
    """
    buyable = (
        Product.objects.filter(is_active=True, price_minor__gt=0)
        .exclude(sku=flash.SKU)
        .annotate(left=Sum(F("stocks__on_hand") - F("stocks__reserved")))
        .filter(left__gt=0)
        .order_by("currency", "sku")
    )
    first = buyable.first()
    if first is None:
        return []
    own = buyable.filter(currency=first.currency)
    plenty = own.filter(left__gte=PLENTY)
    return list((plenty if plenty.exists() else own).values_list("sku", flat=True))


def place(wishes: Sequence[Wish], reporter: Reporter) -> None:
    """Place every order; each is one transaction. Raises what `place_order` raises."""
    shares = [wishes[hand::HANDS] for hand in range(HANDS)]
    done = 0
    with ThreadPoolExecutor(HANDS) as pool:
        placing = [pool.submit(_place_share, share) for share in shares if share]
        for finished in as_completed(placing):
            done += finished.result()
            reporter.update(done)


def _place_share(wishes: Sequence[Wish]) -> int:
    try:
        for wish in wishes:
            place_order(
                email=wish.email,
                lines=wish.lines,
                payment_method=wish.payment_method,
                source=wish.source,
            )
    finally:
        connection.close()
    return len(wishes)
