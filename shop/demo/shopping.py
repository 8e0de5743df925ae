"""What the demonstration's customers buy and how they pay. Pure: the same seed, the same crowd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from orders.placing import LineRequest

PAYMENT_METHODS = {
    "pm_ok": 70,
    "pm_decline": 8,
    "pm_slow": 8,
    "pm_error500": 5,
    "pm_error500_after": 5,
    "pm_timeout": 4,
}
"""Percent of the orders. All but declined ones end well, the bad days of the provider too."""

MAX_LINES = 5
MAX_UNITS = 3


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One order to place."""

    source: str
    email: str
    payment_method: str
    lines: tuple[LineRequest, ...]


def wishes(*, run: str, skus: Sequence[str], count: int, random: Random) -> list[Wish]:
    """`count` baskets of a few products each, from `skus` (at least one)."""
    methods = payment_methods(count)
    random.shuffle(methods)
    return [
        Wish(
            source=f"demo:{run}:{number}",
            email=f"shopper-{number}@demo.example",
            payment_method=method,
            lines=_basket(skus, random),
        )
        for number, method in enumerate(methods, start=1)
    ]


def flash_wishes(*, run: str, sku: str, count: int) -> list[Wish]:
    """`count` customers who all want one unit of the same product and can pay for it."""
    return [
        Wish(
            source=f"demo:{run}:{number}",
            email=f"bargain-hunter-{number}@demo.example",
            payment_method="pm_ok",
            lines=(LineRequest(sku, 1),),
        )
        for number in range(1, count + 1)
    ]


def payment_methods(count: int) -> list[str]:
    """A payment method for each of `count` orders, in the shares above, never short of pm_ok.

    Every method comes up as soon as its share allows one order; what is left over pays well.
    """
    chosen = [
        method
        for method, percent in PAYMENT_METHODS.items()
        if method != "pm_ok"
        for _ in range(round(count * percent / 100))
    ]
    return [*chosen, *["pm_ok"] * (count - len(chosen))][:count]


def _basket(skus: Sequence[str], random: Random) -> tuple[LineRequest, ...]:
    chosen = random.sample(skus, k=random.randint(1, min(MAX_LINES, len(skus))))
    return tuple(LineRequest(sku, random.randint(1, MAX_UNITS)) for sku in chosen)
