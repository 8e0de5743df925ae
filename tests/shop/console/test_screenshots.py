"""The README's pictures of the console; `tests/shop/storefront/test_screenshots.py` tells how."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from orders.models import Payment
from shop.samples.seeding import seed
from tasks import statistics
from tasks.models import Attempt, JobStatistic
from tests.orders.provider import ScriptedProvider
from tests.orders.sink import SmtpSink
from tests.shop.auditor.working import run_once, work_off
from tests.shop.auditor.world import job_of
from tests.shop.storefront.scenes import order
from tests.shop.storefront.test_screenshots import folder, keep
from tests.shop.storefront.visitor import Visitor

__all__ = ["folder"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.screenshots,
    pytest.mark.django_db(transaction=True, reset_sequences=True),
]

MINUTES = 60


def an_hour_of_work() -> None:
    """What a busy hour leaves in the statistics."""
    now = timezone.now().replace(second=0, microsecond=0)
    [sample] = JobStatistic.objects.filter(unit="minute", task="orders.advance_checkout")[:1]
    for minute in range(1, MINUTES):
        sample.pk = None
        sample.start = now - timedelta(minutes=minute)
        sample.succeeded = 40 + 37 * minute % 23
        sample.retried = 3 if minute % 17 == 0 else 0
        sample.save()


def test_console(admin: Visitor, folder: Path, provider: ScriptedProvider, sink: SmtpSink) -> None:
    seed()
    done, stuck = order("placed"), order("placed")
    provider.script.append("lost_after")
    work_off(done)
    Payment.objects.filter(order=stuck).update(provider="stripe")
    run_once(job_of(stuck))
    assert Attempt.objects.exists()
    statistics.roll_up()
    an_hour_of_work()

    admin.prefer("light")
    admin.take_a_phone(width=1280, height=800)  # no phone, but a window without a scrollbar
    admin.open(reverse("admin:index"))
    keep(admin, folder / "console-start.png", whole_page=False)
    admin.open(reverse("admin:orders_why", args=[done.pk]))
    keep(admin, folder / "console-why.png", whole_page=False)
    admin.take_a_phone(width=390, height=844)
    admin.prefer("dark")
    admin.open(reverse("admin:tasks_job_change", args=[job_of(stuck)]))
    keep(admin, folder / "console-job-phone-dark.png", whole_page=False)
