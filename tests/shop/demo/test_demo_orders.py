"""The demonstration as people run it, with few orders."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from inventory.models import Stock
from orders.models import Order
from shop.demo import crowd, flash
from tests.running import Runner
from tests.shop.goods import product

pytestmark = pytest.mark.django_db(transaction=True)


def demo(**options: object) -> str:
    output = StringIO()
    call_command("demo_orders", stdout=output, **options)
    return output.getvalue()


def test_given_orders_and_a_flash_sale_when_shown_then_all_adds_up(workers: Runner) -> None:
    product("MUG-1", units=500)
    product("MUG-2", units=500)
    output = demo(orders=8, seed=1)
    assert "8 = 8 orders placed" in output
    assert "✓ Everything adds up: 0 lost, 0 doubled, 0 oversold." in output
    assert "✓ audit: 30 invariants hold" in output

    output = demo(flash=True, buyers=12, units=5)
    assert "Flash sale: 12 customers want one of 5 units" in output
    assert "5 = 5 that were there" in output
    assert "7 = 7 who came too late" in output
    assert "The whole shop" in output
    assert "✗" not in output


def test_given_an_empty_catalogue_when_shown_then_it_says_what_to_do() -> None:
    with pytest.raises(CommandError, match="seed_catalogue"):
        demo()


def test_given_no_workers_when_shown_then_it_gives_up_and_says_why() -> None:
    product("MUG-1", units=500)
    with pytest.raises(CommandError, match=r"Are the dispatcher and the workers running\?"):
        demo(orders=2, stall_timeout=0.2)
    assert Order.objects.count() == 2


@pytest.mark.parametrize("before", [0, 3, 40])
def test_given_leftovers_when_a_flash_sale_is_prepared_then_exactly_its_units_are_there(
    before: int,
) -> None:
    product(flash.SKU, units=before)
    made = flash.prepare(units=10, run="x")
    assert flash.available(made) == 10
    assert Stock.objects.get().on_hand == 10


def test_given_plenty_of_some_goods_when_shopping_then_scarce_ones_are_spared() -> None:
    product("LAST-ONE", units=1)
    product("GONE", units=0)
    product("HIDDEN", units=500, is_active=False)
    product(flash.SKU, units=500)
    assert crowd.on_offer() == ["LAST-ONE"]
    product("MUG-1", units=500)
    assert crowd.on_offer() == ["MUG-1"]
