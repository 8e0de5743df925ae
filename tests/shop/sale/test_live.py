"""A sale on a terminal."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from orders.placing import LineRequest, place_order
from shop.sale.live import scoreboard
from tests.shop.goods import product

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("is_terminal", [True, False])
def test_given_a_sale_when_something_moves_then_it_shows(is_terminal: bool) -> None:
    mug = product("MUG-1", units=20)
    output = StringIO()
    console = Console(file=output, force_terminal=is_terminal, width=100)
    with scoreboard(console, mug, total=3) as reporter:
        place_order(
            email="ann@shop.example", lines=[LineRequest("MUG-1", 2)], payment_method="pm_ok"
        )
        reporter.update(1, note="placed 2, confirmed 1")
    shown = output.getvalue()
    if is_terminal:
        assert "Blue mug" in shown
        assert "waiting" in shown
        assert "jobs under way" in shown
    else:
        assert "Orders at their end: 1 of 3, placed 2, confirmed 1" in shown
