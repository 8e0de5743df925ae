"""The demonstration's crowd: reproducible, orderable, and never all declined."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from shop.demo.shopping import PAYMENT_METHODS, flash_wishes, payment_methods, wishes

SKUS = [f"1000{n}" for n in range(9)]


@given(st.integers(1, 500))
def test_given_any_number_of_orders_when_paid_then_each_has_a_method_and_most_pay_well(
    count: int,
) -> None:
    methods = payment_methods(count)
    assert len(methods) == count
    assert set(methods) <= set(PAYMENT_METHODS)
    assert methods.count("pm_ok") >= count * 0.5


def test_given_forty_orders_when_paid_then_every_method_is_seen() -> None:
    assert set(payment_methods(40)) == set(PAYMENT_METHODS)


@given(st.integers(0, 2**32), st.integers(1, len(SKUS)))
def test_given_a_seed_when_shopping_then_baskets_are_the_same_and_sound(
    seed: int, products: int
) -> None:
    skus = SKUS[:products]
    crowd = wishes(run="x", skus=skus, count=5, random=Random(seed))
    assert crowd == wishes(run="x", skus=skus, count=5, random=Random(seed))
    for wish in crowd:
        assert {line.sku for line in wish.lines} <= set(skus)
        assert len({line.sku for line in wish.lines}) == len(wish.lines) > 0
        assert all(line.quantity > 0 for line in wish.lines)


def test_given_a_flash_sale_when_shopping_then_everybody_wants_one_and_is_told_apart() -> None:
    crowd = flash_wishes(run="x", sku="FLASH", count=3)
    assert len({wish.source for wish in crowd}) == len({wish.email for wish in crowd}) == 3
