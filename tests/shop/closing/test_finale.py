"""A run ends with the auditor's word about the whole shop."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError
from rich.console import Console

from inventory.models import Product
from orders.models import Order
from orders.placing import LineRequest, place_order
from shop.closing.finale import Finale
from tests.shop.goods import product

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mug() -> Product:
    return product("MUG-1", units=20)


def close() -> str:
    """The end of a run that placed no order."""
    output = StringIO()
    console = Console(file=output, highlight=False, width=200)
    Finale(console, Order.objects.none(), stall_s=0.1).close(title="Nothing")
    return output.getvalue()


def test_given_a_sound_shop_when_closed_then_one_line_of_the_auditor_says_so(mug: Product) -> None:
    assert "✓ audit: 30 invariants hold" in close()


def test_given_a_breach_anywhere_when_closed_then_the_run_fails(mug: Product) -> None:
    """Given a breach that the closing's own sums don't look for."""
    order = place_order(
        email="ann@shop.example", lines=[LineRequest(mug.sku, 1)], payment_method="pm_ok"
    )
    Order.objects.filter(pk=order.pk).update(total_minor=1)
    with pytest.raises(CommandError, match="Not everything adds up"):
        close()
