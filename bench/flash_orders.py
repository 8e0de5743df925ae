"""Whole orders of one product, from placing to the end: the shop's real processes, or the same with
one order at a time under the product's lock.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.flash_reserving import crowded_product
from bench.processes import node_name, running, worker
from bench.settings import LEDGER_QUEUE
from inventory.models import Stock
from orders.models import Order
from orders.placing import LineRequest, place_order
from orders.states import UNPAID
from stack.ports import answers, free_port
from stack.waiting import wait_until

ORDERS = 120
WORKERS = 8
"""Children of the worker for checkouts: as many as stand in line at the product."""

PATIENCE_S = 300.0


@contextmanager
def shop(logs: Path, *, alone: bool, answer_s: float) -> Iterator[None]:
    """A provider that takes `answer_s` seconds for a charge, dispatcher and a worker for checkouts,
    for the block."""
    port = free_port()
    env = {
        **os.environ,
        "SANDBOX_PAYMENTS_URL": f"http://127.0.0.1:{port}",
        "SANDBOX_ANSWER_S": str(answer_s),
    }
    checkouts = worker("shop", LEDGER_QUEUE, node_name(LEDGER_QUEUE), children=WORKERS)
    commands = {
        "provider": ["manage.py", "sandbox_payments", "--port", str(port)],
        "dispatcher": ["manage.py", "dispatch_jobs"],
        "worker": [*checkouts, "--include", "bench.alone"] if alone else checkouts,
    }
    with ExitStack() as stack:
        for name, command in commands.items():
            log = logs / f"{name}-{'alone' if alone else 'together'}.log"
            stack.enter_context(running(command, log, env=env))
        wait_until(lambda: answers(port), timeout_s=PATIENCE_S, what="the provider")
        orders_per_s(8)  # warms everything up
        yield


def orders_per_s(count: int = ORDERS) -> float:
    """From the first order's placing to the last one's confirmation; mails are left out."""
    row = crowded_product()
    started = time.perf_counter()
    for number in range(count):
        place_order(
            email=f"buyer-{number}@bench.example",
            lines=[LineRequest(row.product.sku, 1)],
            payment_method="pm_ok",
        )
    mine = Order.objects.filter(lines__product=row.product)
    wait_until(
        lambda: not mine.filter(state__in=UNPAID).exists(), timeout_s=PATIENCE_S, what="the orders"
    )
    seconds = time.perf_counter() - started
    confirmed = mine.filter(state=Order.State.CONFIRMED).count()
    sold = -(Stock.objects.get(pk=row.pk).on_hand - row.on_hand)
    if not confirmed == sold == count:
        raise AssertionError(f"{count} ordered, {confirmed} confirmed, {sold} sold")
    return count / seconds
