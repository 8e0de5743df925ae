"""Each time that a product runs low, the people who order supplies hear of it once."""

from __future__ import annotations

from functools import partial

import pytest
from django.core import mail
from pytest_django.fixtures import Settings

from inventory import low_stock, stock
from inventory.models import LowStockAlert, Product
from tasks.models import Effect, Job
from tests.inventory import makers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def buyer(settings: Settings) -> None:
    settings.STOCK_ALERT_EMAILS = ["buyer@shop.example"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def limited(*, on_hand: int, limit: int = 3) -> Product:
    return makers.product(on_hand=on_hand, low_stock_at=limit)


def test_given_a_product_at_its_limit_when_looked_at_then_one_alert_is_asked_to_be_mailed() -> None:
    mug, _ = limited(on_hand=3), limited(on_hand=4)
    assert low_stock.look() == 1
    [alert] = LowStockAlert.objects.all()
    assert (alert.product, alert.units, alert.limit_units) == (mug, 3, 3)
    [job] = Job.objects.filter(task="inventory.mail_low_stock")
    assert job.args == [[alert.pk]]


def test_given_an_open_alert_when_looked_at_again_then_nothing_is_new() -> None:
    mug = limited(on_hand=3)
    low_stock.look()
    makers.reserve("order:1", mug)
    assert low_stock.look() == 0
    assert Job.objects.filter(task="inventory.mail_low_stock").count() == 1


def test_given_it_was_above_its_limit_in_between_when_it_falls_again_then_it_is_told_again() -> (
    None
):
    mug = limited(on_hand=3)
    low_stock.look()
    stock.receive(product_id=mug.pk, quantity=5, reference="delivery:2")
    assert low_stock.look() == 0
    assert LowStockAlert.objects.get().recovered_at
    makers.reserve("order:1", mug, quantity=6)
    assert low_stock.look() == 1


def test_given_many_that_look_at_once_then_one_crossing_is_one_alert() -> None:
    limited(on_hand=0)
    assert makers.at_once(*[low_stock.look] * 8) == []
    assert LowStockAlert.objects.count() == 1
    assert Job.objects.filter(task="inventory.mail_low_stock").count() == 1


def test_given_a_product_without_a_limit_or_not_for_sale_then_nobody_is_told() -> None:
    makers.product(on_hand=0)
    makers.product(on_hand=0, low_stock_at=5, is_active=False)
    assert low_stock.look() == 0


def test_given_expired_reservations_when_looked_at_then_they_count_as_free() -> None:
    mug = limited(on_hand=5)
    makers.reserve("order:1", mug, ttl_s=0)
    assert low_stock.look() == 0


def test_given_alerts_when_mailed_then_one_mail_names_all_and_is_sent_once() -> None:
    mug, plate = limited(on_hand=1), limited(on_hand=0)
    low_stock.look()
    send = partial(low_stock.mail, alert_ids=[alert.pk for alert in LowStockAlert.objects.all()])
    send()
    send()
    [message] = mail.outbox
    assert message.subject == "Low stock: 2 products"
    assert message.to == ["buyer@shop.example"]
    assert f"{mug.sku}  {mug.name}: 1 left, limit 3" in message.body
    assert f"{plate.sku}  {plate.name}: 0 left" in message.body
    assert Effect.objects.get(kind="email").state == Effect.State.DONE


def test_given_nobody_to_tell_then_alerts_are_recorded_all_the_same(settings: Settings) -> None:
    settings.STOCK_ALERT_EMAILS = []
    limited(on_hand=0)
    assert low_stock.look() == 1
    assert not Job.objects.filter(task="inventory.mail_low_stock").exists()


def test_given_very_many_at_once_then_they_come_in_several_mails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(low_stock, "A_MAIL", 2)
    for _ in range(5):
        limited(on_hand=0)
    assert low_stock.look() == 5
    assert Job.objects.filter(task="inventory.mail_low_stock").count() == 3
