"""The closing finds what was lost, doubled or oversold, whichever record it hides in."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db.models import F

from inventory.models import Product, Stock
from orders.models import Order
from orders.placing import LineRequest, place_order
from orders.sandbox.models import Charge
from shop.closing.checks import Closing
from shop.closing.report import closing_of
from shop.closing.watching import Stalled, left_alone, look, watch
from tasks.models import Effect, Job, JobState
from tests.shop.closing.sold import charged, sold
from tests.shop.goods import product

pytestmark = pytest.mark.django_db(transaction=True)

CONFIRMATION = "Message-ID: <order.{order}.email.confirmation@shop.example>\nSubject: x\n\nhello\n"


@pytest.fixture
def mug() -> Product:
    return product("MUG-1", units=20)


def closing(maildir: Path | None = None) -> Closing:
    return closing_of(Order.objects.all(), title="All", maildir=maildir)


def faults(found: Closing) -> list[str]:
    return [check.name for check in found.checks if not check.ok]


def place(mug: Product) -> Order:
    return place_order(
        email="bob@shop.example", lines=[LineRequest(mug.sku, 1)], payment_method="pm_ok"
    )


def test_given_a_sound_shop_when_closed_then_everything_adds_up(mug: Product) -> None:
    sold(mug)
    sold(mug, quantity=3)
    found = closing()
    assert faults(found) == []
    assert (found.ok, found.lost, found.doubled, found.oversold) == (True, 0, 0, 0)


def test_given_nothing_at_all_when_closed_then_everything_adds_up() -> None:
    assert closing().ok


def test_given_a_second_charge_when_closed_then_it_is_doubled(mug: Product) -> None:
    charged(sold(mug), key="charge:again")
    found = closing()
    assert faults(found) == ["charges at the provider", "minor units kept by the provider"]
    assert found.doubled == 1


def test_given_a_charge_of_one_order_and_none_of_another_when_closed_then_both_are_seen(
    mug: Product,
) -> None:
    first, second = sold(mug), sold(mug)
    charged(first, key="charge:again")
    Charge.objects.filter(key=f"{second.reference}:charge").delete()
    found = closing()
    counted = next(check for check in found.checks if check.name == "charges at the provider")
    assert (counted.found, counted.expected) == (2, 2)
    assert (counted.lost, counted.doubled) == (1, 1)


def test_given_a_mail_that_was_never_sent_when_closed_then_it_is_lost(mug: Product) -> None:
    sold(mug)
    Effect.objects.all().delete()
    found = closing()
    assert faults(found) == ["confirmation mails sent"]
    assert found.lost == 1


def test_given_a_mail_twice_in_the_sink_when_closed_then_it_is_doubled(
    mug: Product, tmp_path: Path
) -> None:
    order = sold(mug)
    (tmp_path / "new").mkdir()
    for name in ("1", "2"):
        (tmp_path / "new" / name).write_text(CONFIRMATION.format(order=order.pk))
    found = closing(tmp_path)
    assert faults(found) == ["confirmation mails in the sink"]
    assert found.doubled == 1


def test_given_units_that_vanished_when_closed_then_they_are_lost(mug: Product) -> None:
    sold(mug)
    Stock.objects.update(on_hand=F("on_hand") - 1)
    found = closing()
    assert faults(found) == ["units on hand"]
    assert found.lost == 1


def test_given_units_sold_that_no_movement_tells_of_when_closed_then_it_shows(
    mug: Product,
) -> None:
    order = sold(mug)
    order.lines.update(quantity=3)
    assert faults(closing()) == ["units sold and kept"]


def test_given_an_order_that_nobody_works_on_when_closed_then_it_is_lost(mug: Product) -> None:
    place(mug)
    Job.objects.all().delete()
    found = closing()
    assert faults(found) == ["orders at their end"]
    assert found.lost == 1


def test_given_a_dead_job_when_closed_then_it_shows_but_is_not_lost(mug: Product) -> None:
    sold(mug)
    Job.objects.update(state=JobState.DEAD)
    found = closing()
    assert faults(found) == ["dead jobs"]
    assert found.lost == 0


def test_given_orders_in_work_when_left_alone_then_only_the_others_are_judged(
    mug: Product,
) -> None:
    ended, busy = sold(mug), place(mug)
    assert list(left_alone(Order.objects.all())) == [ended]
    assert look(Order.objects.all()).note == "confirmed 1, placed 1; jobs scheduled 1"
    assert not look(Order.objects.filter(pk=busy.pk)).is_over


def test_given_no_workers_when_watching_then_it_gives_up_and_says_what_hangs(
    mug: Product,
) -> None:
    place(mug)
    with pytest.raises(Stalled, match=r"Nothing moved for 0\.1 s: placed 1; jobs scheduled 1"):
        watch(Order.objects.all(), stall_s=0.1)


def test_given_settled_orders_when_watching_then_it_returns_at_once(mug: Product) -> None:
    sold(mug)
    assert watch(Order.objects.all(), stall_s=0.1).settled == 1
