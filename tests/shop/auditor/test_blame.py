"""A breach names the job that caused it, and the attempt of it that ran at that moment."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db.models import QuerySet

from inventory.models import Stock
from orders.models import Order
from shop.auditor.breaches import Breach, page_of
from tasks.models import Attempt, Effect, Job
from tests.auditing import breaches
from tests.orders import makers
from tests.orders.provider import ScriptedProvider
from tests.orders.sink import SmtpSink
from tests.shop.auditor.working import work_off
from tests.shop.auditor.world import job_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(provider: ScriptedProvider, sink: SmtpSink) -> Order:
    """Confirmed in its checkout's second attempt; the first one got no answer to its charge."""
    order = makers.order(makers.product(on_hand=10))
    provider.script.append("lost_before")
    work_off(order)
    assert list(attempts(order).values_list("outcome", flat=True)) == ["retry", "succeeded"]
    return order


def attempts(order: Order) -> QuerySet[Attempt]:
    return Attempt.objects.filter(job_id=job_of(order))


def the_breach() -> Breach:
    [breach] = breaches(provider=False)
    return breach


def test_given_a_stock_when_it_differs_then_its_newest_movement_tells_who(order: Order) -> None:
    Stock.objects.update(on_hand=3)
    breach = the_breach()
    assert breach.invariant == "stock.on_hand"
    assert (breach.job_id, breach.attempt) == (job_of(order), 2)


def test_given_an_effect_of_the_first_attempt_when_it_is_wrong_then_that_one_is_named(
    order: Order,
) -> None:
    first = Attempt.objects.get(job_id=job_of(order), number=1)
    Effect.objects.filter(kind="charge").update(
        result={"state": "declined"}, settled_at=first.finished_at, intended_at=first.started_at
    )
    breach = the_breach()
    assert (breach.invariant, breach.subject) == ("money.charges", order.reference)
    assert (breach.job_id, breach.attempt) == (job_of(order), 1)


def test_given_a_row_that_names_no_job_then_the_newest_before_it_about_the_order_is_named(
    order: Order,
) -> None:
    Order.objects.update(state=Order.State.FAILED)
    named = {breach.invariant: breach.job_id for breach in breaches(provider=False)}
    mail = job_of(order, "orders.send_email")
    assert named["orders.goods"] == mail
    assert named["orders.timeline"] == mail


def test_given_a_job_that_runs_then_its_attempt_is_the_running_one(order: Order) -> None:
    job = job_of(order)
    Job.objects.filter(pk=job).update(state="running", attempt=3, lease_until=None)
    found = {breach.invariant: breach for breach in breaches(provider=False)}
    assert found["ledger.leases"].attempt == 3


def test_given_a_subject_then_its_page_is_known() -> None:
    job = UUID(int=1)
    assert page_of("order:42") == "/admin/orders/order/42/change/"
    assert page_of(f"job:{job}") == f"/admin/tasks/job/{job}/change/"
    assert page_of("effect:9") == "/admin/tasks/effect/9/change/"
    assert page_of("movement:9") == "/admin/inventory/stockmovement/9/change/"
    assert page_of("charge:ch_1") == ""
