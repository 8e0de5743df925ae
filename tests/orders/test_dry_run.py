"""A dry run of an order's job: what it tells, that it changes nothing, and that it comes true."""

from __future__ import annotations

import smtplib
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from orders import mails
from orders.cancelling import cancel_order
from orders.checkout import advance_checkout
from orders.models import Order, Payment
from orders.payments.errors import GatewayUnavailable
from tasks import operations
from tasks.bulk import Deed
from tasks.dry_run import DryRun, Ending, dry_run
from tasks.models import Effect, Job
from tasks.row_changes import RowChange
from tests.orders import makers
from tests.orders.provider import ScriptedProvider
from tests.orders.sink import SmtpSink
from tests.shop.auditor.working import run_once, work_off
from tests.shop.auditor.world import job_of

pytestmark = pytest.mark.django_db(transaction=True)

ON_RECORD = {"tasks_auditentry"}
"""That somebody asked for a dry run is the one thing it writes."""


@pytest.fixture
def dead(provider: ScriptedProvider) -> Order:
    """Its checkout died before it took the money; what was wrong is put right by now."""
    order = makers.order(makers.product(on_hand=10, name="A red mug"))
    Payment.objects.filter(order=order).update(provider="stripe")
    run_once(job_of(order))
    Payment.objects.filter(order=order).update(provider="sandbox")
    assert Job.objects.get(pk=job_of(order)).state == "dead"
    return order


def database() -> dict[str, list[Any]]:
    """Every row of every table."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table not in ON_RECORD:
                cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" AS t ORDER BY 1')
                found[table] = cursor.fetchall()
    return found


def rows(found: DryRun, table: str) -> list[RowChange]:
    return [row for row in found.rows if row.table == table]


def test_given_a_dead_checkout_then_a_dry_run_shows_all_it_would_do_and_does_none_of_it(
    dead: Order, provider: ScriptedProvider, sink: SmtpSink
) -> None:
    before = database()

    found = dry_run(job_of(dead), actor="user:1")

    assert database() == before
    assert provider.charges == {} and sink.messages == []
    assert (found.ending, found.error) == (Ending.SUCCEEDED, "")
    [order] = rows(found, "orders_order")
    assert (order.kind, order.key) == ("updated", str(dead.pk))
    assert order.after["state"] == "confirmed"
    assert {"captured"} == {row.after["state"] for row in rows(found, "orders_payment")}
    [movement] = rows(found, "inventory_stockmovement")
    assert (movement.kind, movement.after["quantity"]) == ("inserted", -2)
    [charge] = found.effects
    assert (charge.key, charge.is_done) == (f"{dead.reference}:charge", False)
    assert charge.params["amount_minor"] == dead.total_minor
    assert [(job.task, job.subject) for job in found.jobs] == [
        ("orders.send_email", dead.reference)
    ]


def test_what_a_dry_run_showed_is_what_the_retry_does(
    dead: Order, provider: ScriptedProvider, sink: SmtpSink
) -> None:
    shown = dry_run(job_of(dead), actor="user:1")

    operations.act(Deed.RETRY, job_of(dead), actor="user:1")
    run_once(job_of(dead))

    [order] = rows(shown, "orders_order")
    assert makers.fresh(dead).state == order.after["state"]
    assert [effect.key for effect in shown.effects] == [effect.key for effect in made("charge")]
    assert Job.objects.filter(task="orders.send_email").count() == len(shown.jobs)


def made(kind: str) -> list[Effect]:
    return list(Effect.objects.filter(kind=kind))


def test_given_a_dead_mail_then_a_dry_run_shows_the_mail_and_sends_none(
    provider: ScriptedProvider, sink: SmtpSink
) -> None:
    order = makers.order(makers.product(on_hand=10, name="A red mug"))
    run_once(job_of(order))
    mail = Job.objects.get(task="orders.send_email")
    Job.objects.filter(pk=mail.pk).update(state="dead")
    before = database()

    found = dry_run(mail.pk, actor="user:1")

    assert database() == before and sink.messages == []
    [shown] = found.mails
    assert shown.to == (order.email,)
    assert shown.subject == f"Your order {order.pk} is confirmed"
    assert "A red mug" in shown.text
    assert [effect.kind for effect in found.effects] == ["email"]


def test_given_a_mail_that_was_sent_then_a_dry_run_says_so(
    provider: ScriptedProvider, sink: SmtpSink
) -> None:
    order = makers.order(makers.product(on_hand=10))
    work_off(order)
    mail = Job.objects.get(task="orders.send_email")
    Job.objects.filter(pk=mail.pk).update(state="dead")

    found = dry_run(mail.pk, actor="user:1")

    assert found.mails == ()
    assert [effect.is_done for effect in found.effects] == [True]


def test_given_a_mail_that_may_have_been_sent_then_it_would_be_dead_again(
    provider: ScriptedProvider, sink: SmtpSink
) -> None:
    order = makers.order()
    run_once(job_of(order))
    job = Job.objects.get(task="orders.send_email")
    sink.replies.append(None)  # it is delivered, and nobody learns
    with pytest.raises(smtplib.SMTPServerDisconnected):
        makers.run_as_job(lambda: mails.send(order_id=order.pk, kind="confirmation"), job_id=job.pk)
    Job.objects.filter(pk=job.pk).update(state="dead")

    found = dry_run(job.pk, actor="user:1")

    assert (found.ending, found.mails) == (Ending.DEAD, ())
    assert "Nobody knows whether" in found.error
    assert len(sink.messages) == 1


def test_given_a_charge_that_may_have_been_taken_then_its_refund_can_not_be_told(
    provider: ScriptedProvider,
) -> None:
    order = makers.order()
    provider.script.append("lost_after")
    with pytest.raises(GatewayUnavailable):
        advance_checkout(order_id=order.pk)
    cancel_order(order_id=order.pk)
    Effect.objects.update(intended_at="2020-01-01T00:00Z")
    job = Job.objects.get(task="orders.refund")
    Job.objects.filter(pk=job.pk).update(state="dead")
    asked = list(provider.calls)

    found = dry_run(job.pk, actor="user:1")

    assert found.ending == Ending.UNKNOWN
    assert f"ask about {order.reference}:charge now" in found.error
    assert [effect.is_doubtful for effect in found.effects] == [True]
    assert provider.calls == asked


def test_given_a_process_without_a_connection_to_the_cache_then_none_is_needed(
    dead: Order,
) -> None:
    pool: Any = cache
    pool.client.get_client().connection_pool.disconnect()
    assert dry_run(job_of(dead), actor="user:1").ending == Ending.SUCCEEDED
