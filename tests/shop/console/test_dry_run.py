"""The dry run's page, with an order whose checkout died."""

from __future__ import annotations

from html import unescape

import pytest
from django.urls import reverse

from orders.models import Order, Payment
from tasks.models import AuditEntry, Job, JobState
from tests.orders import makers
from tests.orders.provider import ScriptedProvider
from tests.shop.auditor.working import run_once
from tests.shop.auditor.world import job_of
from tests.tasks.console.pages import client_with

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dead(provider: ScriptedProvider) -> Order:
    order = makers.order(makers.product(on_hand=10, name="A red mug"))
    Payment.objects.filter(order=order).update(provider="stripe")
    run_once(job_of(order))
    Payment.objects.filter(order=order).update(provider="sandbox")
    return order


def page_of(order: Order) -> str:
    return reverse("admin:tasks_dry_run", args=[job_of(order)])


def test_it_shows_the_rows_the_charge_and_the_mails_job_and_leads_to_the_retry(
    dead: Order, provider: ScriptedProvider
) -> None:
    answer = client_with("view_job", "retry_job").post(page_of(dead))

    page = unescape(answer.content.decode())
    assert "It would succeed." in page
    assert f"{dead.reference}:charge" in page
    assert "orders_order" in page and "confirmed" in page
    assert "orders.send_email about" in page
    assert "Retry for real" in page
    assert provider.charges == {}
    assert makers.fresh(dead).state == Order.State.RESERVED


def test_a_get_only_tells_what_it_is(dead: Order) -> None:
    page = client_with("view_job", "retry_job").get(page_of(dead)).content.decode()
    assert "rolled back" in page and "It would" not in page.split("A dry run is")[0]
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("codenames", [["view_job"], ["retry_job"]])
def test_it_needs_the_permission_to_see_and_to_retry(dead: Order, codenames: list[str]) -> None:
    assert client_with(*codenames).post(page_of(dead)).status_code == 403
    assert not AuditEntry.objects.exists()


def test_a_live_job_is_not_tried(dead: Order) -> None:
    Job.objects.update(state=JobState.SCHEDULED)
    answer = client_with("view_job", "retry_job").post(page_of(dead))
    assert answer.status_code == 409
    assert "needs no retry" in answer.content.decode()
