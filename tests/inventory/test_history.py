"""A product's stock over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from inventory import history, reservations, stock
from inventory.history import HEIGHT, MARGIN, WIDTH, Level, chart
from tests.inventory import makers
from tests.inventory.test_admin import client_with

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_given_movements_when_asked_then_each_level_is_their_sum_so_far() -> None:
    mug = makers.product(on_hand=10)
    makers.reserve("order:1", mug, quantity=3)
    reservations.commit(reference="order:1")
    stock.receive(product_id=mug.pk, quantity=5, reference="delivery:2")
    levels = history.levels(mug.pk, days=30)
    assert [(level.units, level.kind) for level in levels] == [
        (10, "received"),
        (7, "sold"),
        (12, "received"),
    ]


@pytest.mark.django_db(transaction=True)
def test_given_too_many_movements_when_asked_then_the_newest_end_at_what_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "MOST_MOVEMENTS", 2)
    mug = makers.product(on_hand=10)
    for number in range(4):
        stock.receive(product_id=mug.pk, quantity=1, reference=f"delivery:{number}")
    assert [level.units for level in history.levels(mug.pk, days=30)] == [13, 14]


def test_given_no_movement_then_there_is_nothing_to_draw() -> None:
    assert chart([], now=BEGAN) is None


@given(units=st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_whatever_moved_the_line_stays_within_its_margins(units: list[int]) -> None:
    levels = [
        Level(BEGAN + timedelta(hours=hour), each, "received", "x")
        for hour, each in enumerate(units)
    ]
    drawn = chart(levels, now=levels[-1].at + timedelta(hours=1))
    assert drawn
    assert drawn.top == max(1, *units)
    moves = drawn.path.replace("M", "H").replace(" ", "V").split("H")[1:]
    for step in moves:
        x, _, y = step.partition("V")
        assert MARGIN <= float(x) <= WIDTH - MARGIN
        assert not y or MARGIN <= float(y) <= HEIGHT - MARGIN


@pytest.mark.django_db(transaction=True)
def test_given_a_product_when_its_page_is_opened_then_it_has_a_line_and_the_numbers() -> None:
    mug = makers.product(on_hand=1234)
    url = reverse("admin:inventory_history", args=[mug.pk])
    client = client_with()
    page = client.get(url).content.decode()
    assert "<path" in page
    assert "1,234" in page
    assert client.get(url, {"days": "7"}).status_code == 200
    assert client.get(url, {"days": "-1"}).status_code == 200
    assert client.post(url).status_code == 405


@pytest.mark.django_db(transaction=True)
def test_given_no_permission_then_the_history_is_not_shown(client: Client) -> None:
    mug = makers.product()
    client.force_login(User.objects.create_user("eve", is_staff=True))
    assert client.get(reverse("admin:inventory_history", args=[mug.pk])).status_code == 403
