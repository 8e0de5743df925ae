"""Acting on what a payment provider tells unasked (webhooks), without believing it.

The jobs of an order know what to do and ask the provider by key; while they wait for it they ask
again after pauses that grow to a minute. A notice only makes the next of these looks happen now. So
a notice that is lost, late, doubled or forged changes nothing but the time of a question.

    notice ──verify, store, enqueue──▶ job orders.heed_notice ──▶ the order's own job, due at once
             (one transaction)                                     └─▶ asks the provider by key
"""

from __future__ import annotations

import re
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from orders import jobs, states
from orders.models import Order, Payment, PaymentNotice
from orders.payments.notices import Notice
from tasks.jobs import run_now
from tasks.models import LIVE_STATES, Job, JobState
from tasks.outcomes import Snooze

KEY = re.compile(r"order:(\d{1,18}):(?:charge|refund)", re.ASCII)

KEPT_FOR = timedelta(days=30)  # Stripe tells an event again for three days
PRUNED_AT_ONCE = 1000

ASKING = ("orders.advance_checkout", "orders.refund")
"""The tasks that ask the provider how things stand."""

LOOK_AGAIN_S = 2.0


def take_note(notice: Notice) -> bool:
    """Store a notice and have it heeded. False: it was told before. Must answer fast."""
    with transaction.atomic():
        _, new = PaymentNotice.objects.get_or_create(
            provider=notice.provider,
            event_id=notice.event_id,
            defaults={"kind": notice.kind, "key": notice.key},
        )
        found = KEY.fullmatch(notice.key)
        if new and found and _waits_for_provider(int(found[1])):
            jobs.enqueue_heeding(int(found[1]))
        return new


def heed(*, order_id: int) -> None:
    """Have the order's jobs ask the provider now.

    Raises `Snooze` while one of them is running: it may have asked a moment too early.
    """
    if not _waits_for_provider(order_id):
        return
    asking = list(
        Job.objects.filter(subject=f"order:{order_id}", task__in=ASKING, state__in=LIVE_STATES)
    )
    if any(job.state == JobState.RUNNING for job in asking):
        raise Snooze(LOOK_AGAIN_S, "a job of the order is at it")
    for job in asking:
        run_now(job.id)
    if not asking:  # such as a checkout that is dead since the provider was down for a day
        _ask_anew(order_id)


def prune() -> int:
    """Delete notices that nobody will tell again; how many."""
    old = PaymentNotice.objects.filter(received_at__lt=timezone.now() - KEPT_FOR)
    deleted = 0
    while ids := list(old.values_list("pk", flat=True)[:PRUNED_AT_ONCE]):
        deleted += PaymentNotice.objects.filter(pk__in=ids).delete()[0]
    return deleted


def _waits_for_provider(order_id: int) -> bool:
    """Whether the provider's word could bring the order further. False for an unknown order."""
    payments = Payment.objects.filter(order_id=order_id)
    owed = payments.filter(state=Payment.State.CAPTURED, order__state__in=states.ENDED)
    return payments.filter(state=Payment.State.CHARGING).exists() or owed.exists()


def _ask_anew(order_id: int) -> None:
    if Order.objects.filter(pk=order_id, state__in=states.UNPAID).exists():
        jobs.enqueue_checkout(order_id)
    else:
        jobs.enqueue_refund(order_id)
