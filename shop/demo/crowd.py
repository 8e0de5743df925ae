"""Places many orders at once, as a crowd of customers does."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from django.db import connection

from orders.placing import place_order
from shop.demo.shopping import Wish
from shop.progress import Reporter

HANDS = 4
"""Threads, each with a database connection of its own. More only queue at two processor cores."""


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
