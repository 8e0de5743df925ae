"""The beat job keeps what it found, and people read it in the admin."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory.models import Stock
from orders.models import Order
from shop.auditor import recording
from shop.auditor.models import AuditBreach, AuditRun
from shop.auditor.tasks import audit
from tasks.models import Job, JobState
from tests.orders import makers
from tests.shop.auditor.working import run_once

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "carla@customers.example"


@pytest.fixture
def stock() -> Stock:
    """Of a product that an order asks for, with a unit that no movement tells of."""
    makers.order(product := makers.product(), email=SECRET)
    Stock.objects.update(on_hand=101)
    return Stock.objects.get(product=product)


def test_given_a_sound_shop_when_the_job_runs_then_it_says_so() -> None:
    makers.order()
    job_id = UUID(audit.delay().id)
    run_once(job_id)
    run = AuditRun.objects.get()
    assert Job.objects.get(pk=job_id).state == JobState.SUCCEEDED
    assert (run.job_id, run.invariants, run.broken, run.breaches) == (job_id, 30, 0, 0)


def test_given_a_breach_when_the_job_runs_then_it_is_kept_and_logged_by_ids_alone(
    stock: Stock, caplog: pytest.LogCaptureFixture
) -> None:
    Order.objects.update(failure="for Carla's eyes")
    run = recording.record_audit()
    [breach] = AuditBreach.objects.filter(run=run)
    assert (breach.invariant, breach.subject) == ("stock.on_hand", f"stock:{stock.pk}")
    assert (breach.expected, breach.found) == ("100 units by its movements", "101 units on hand")
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert f"stock.on_hand is broken by stock:{stock.pk}" in record.getMessage()
    for text in (record.getMessage(), str(AuditBreach.objects.values())):
        assert "arla" not in text


def test_given_a_flood_of_breaches_when_recorded_then_all_are_counted_and_some_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recording, "KEPT_BREACHES", 2)
    for _ in range(3):
        makers.product()
    Stock.objects.update(on_hand=1)
    run = recording.record_audit()
    assert (run.broken, run.breaches, run.found.count()) == (1, 3, 2)


def test_given_two_who_ask_for_an_audit_then_there_is_one_job() -> None:
    assert audit.delay().id == audit.delay().id


def test_given_old_records_when_pruned_then_the_newer_ones_stay(stock: Stock) -> None:
    old, new = recording.record_audit(), recording.record_audit()
    AuditRun.objects.filter(pk=old.pk).update(
        started_at=timezone.now() - timedelta(days=recording.KEEP_DAYS + 1)
    )
    recording.prune()
    assert list(AuditRun.objects.all()) == [new]
    assert [breach.run_id for breach in AuditBreach.objects.all()] == [new.pk]


def test_the_job_is_on_the_schedule() -> None:
    declared = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert audit.name in declared


def test_given_an_auditor_when_reading_the_admin_then_breaches_link_to_what_is_wrong(
    client: Client, stock: Stock
) -> None:
    older, run = recording.record_audit(), recording.record_audit()
    job = Job.objects.get(task="orders.advance_checkout")
    AuditBreach.objects.filter(run=run).update(job_id=job.pk)
    client.force_login(reader("view_auditrun"))
    page = client.get(reverse("admin:auditor_auditrun_changelist")).content.decode()
    assert page.index(f"/{run.pk}/change/") < page.index(f"/{older.pk}/change/")
    page = client.get(reverse("admin:auditor_auditrun_change", args=[run.pk])).content.decode()
    assert f"/admin/inventory/stock/{stock.pk}/change/" in page
    assert f"/admin/tasks/job/{job.pk}/change/" in page
    assert "101 units on hand" in page


def test_given_anybody_else_then_the_admin_shows_and_changes_nothing(
    client: Client, stock: Stock
) -> None:
    run = recording.record_audit()
    page = reverse("admin:auditor_auditrun_change", args=[run.pk])
    client.force_login(reader("view_order"))
    assert client.get(page).status_code == 403
    client.force_login(User.objects.create_superuser("root"))
    assert client.post(page, {"breaches": "0"}).status_code == 403
    assert client.get(reverse("admin:auditor_auditrun_add")).status_code == 403
    assert client.post(reverse("admin:auditor_auditrun_delete", args=[run.pk])).status_code == 403


def reader(codename: str) -> User:
    user = User.objects.create_user(codename, is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename=codename))
    return user
