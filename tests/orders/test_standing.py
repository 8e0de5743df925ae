"""The sentences at the top of the "Why?" page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orders import mails
from orders.cancelling import cancel_order
from orders.models import Order
from orders.standing import Standing, standing
from orders.why import records_of
from tasks import jobs
from tasks.models import Job, JobState
from tests.orders import makers
from tests.orders.provider import ScriptedProvider
from tests.orders.sink import SmtpSink
from tests.shop.auditor.working import run_once, work_off
from tests.shop.auditor.world import job_of

pytestmark = pytest.mark.django_db(transaction=True)


def stand(order: Order) -> Standing:
    return standing(records_of(makers.fresh(order)), now=timezone.now())


def said(order: Order) -> str:
    return " ".join(stand(order).sentences)


def test_given_a_new_order_then_its_checkout_waits_for_the_dispatcher_then_a_worker() -> None:
    order = makers.order()
    assert "The checkout job is due and waits for the dispatcher." in said(order)
    jobs.take_due(batch=10)
    assert "The checkout job waits for a free worker." in said(order)
    jobs.claim(job_of(order), worker="worker@here:1", redelivered=False)
    assert "The checkout job is at work on it right now." in said(order)
    assert not stand(order).needs_person


@pytest.mark.parametrize("answer", ["pending", "lost_before", "busy"])
def test_given_a_provider_that_keeps_it_waiting_then_it_says_for_whom_and_until_when(
    provider: ScriptedProvider, answer: Any
) -> None:
    order = makers.order()
    provider.script.append(answer)
    run_once(job_of(order))
    at = timezone.now() + timedelta(seconds=30)
    Job.objects.filter(pk=job_of(order)).update(run_at=at)
    text = said(order)
    assert "The goods are set aside. Whether the money was taken is not known yet." in text
    assert "waits for the payment provider (taking the money)" in text
    assert f"next try at {at:%d %b %H:%M:%S} UTC." in text
    assert not stand(order).needs_person


def test_given_a_cancelled_charge_then_it_is_waited_out_and_said_so(
    provider: ScriptedProvider,
) -> None:
    order = makers.order()
    provider.script.append("lost_before")
    run_once(job_of(order))
    cancel_order(order_id=order.pk, actor="ann")
    run_once(job_of(order))
    run_once(job_of(order, "orders.refund"))
    Job.objects.filter(task="orders.refund").update(run_at=timezone.now() + timedelta(minutes=5))
    text = said(order)
    assert "The order was cancelled. Whether the money was taken is not known yet." in text
    assert "The refund job waits for an earlier try of the same" in text


def test_given_a_failed_order_then_it_says_why(provider: ScriptedProvider, sink: SmtpSink) -> None:
    order = makers.order(makers.product(on_hand=1, name="A mug"))
    work_off(order)
    assert said(order) == (
        "The order failed. Sold out: A mug (1 left). No money was taken. "
        "Nothing more will happen by itself."
    )


def test_given_a_mail_of_which_nobody_knows_then_it_says_what_to_do_until_it_was_sent_again(
    provider: ScriptedProvider, sink: SmtpSink
) -> None:
    order = makers.order()
    run_once(job_of(order))
    [mail] = makers.jobs_of(order, "orders.send_email")
    Job.objects.filter(pk=mail.pk).update(
        state=JobState.DEAD, error="MailUnknown: Nobody knows", finished_at=timezone.now()
    )
    assert "The confirmation e-mail is unknown: it may or may not have arrived." in said(order)
    assert stand(order).needs_person
    mails.resend(order_id=order.pk, actor="ann")
    work_off(order)
    assert "unknown" not in said(order)
    assert not stand(order).needs_person


@pytest.mark.parametrize("state", [JobState.DEAD, JobState.CANCELLED, JobState.EXPIRED])
def test_given_a_checkout_that_ended_too_early_then_the_order_is_stuck(state: JobState) -> None:
    order = makers.order()
    Job.objects.filter(pk=job_of(order)).update(state=state, finished_at=timezone.now())
    assert f"It is stuck: its checkout job is {state.label}." in said(order)
    assert stand(order).needs_person


def test_given_no_job_at_all_then_the_order_is_stuck() -> None:
    order = makers.order()
    Job.objects.all().delete()
    assert "It is stuck: no job works on it." in said(order)


def test_given_a_refund_that_was_asked_for_and_died_then_the_order_is_stuck(
    provider: ScriptedProvider, sink: SmtpSink
) -> None:
    order = makers.order()
    work_off(order)
    cancel_order(order_id=order.pk, actor="ann")
    Job.objects.filter(task="orders.refund").update(state=JobState.DEAD, error="GatewayRefused: no")
    assert "its refund job is dead (GatewayRefused: no)" in said(order)
