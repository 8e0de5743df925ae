"""The orders' tasks. Each parses, calls one service, and says how its failures are retried.

Most talk to the outside, and must not hold a transaction while they do: those are not atomic.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from celery import shared_task

from orders import checkout, mails, notices, refunds
from orders.errors import NothingToRefund, WrongGateway
from orders.models import Order
from orders.payments.errors import GatewayRefused
from tasks import mailing
from tasks.locks import LockTimeout
from tasks.outcomes import Permanent
from tasks.retry import RetryPolicy
from tasks.task import JobTask

DAY_S = 24 * 3600.0

# A provider, a mail server or Redis that is down for a night must not cost an order. With waits of
# up to two minutes a day's outage stays far below this many attempts.
PATIENT = 2_000

# Somebody else serves the same product at this moment: take turns quickly.
CROWDED = RetryPolicy(max_attempts=PATIENT, base_s=0.2, cap_s=5.0, deadline_s=DAY_S)

MONEY = RetryPolicy(
    max_attempts=PATIENT,
    base_s=1.0,
    cap_s=120.0,
    deadline_s=DAY_S,
    rules={
        LockTimeout: CROWDED,
        GatewayRefused: Permanent,
        WrongGateway: Permanent,
        NothingToRefund: Permanent,
        Order.DoesNotExist: Permanent,
    },
)

MAIL = replace(mailing.POLICY, rules={**mailing.POLICY.rules, Order.DoesNotExist: Permanent})


def subject(order_id: int, *_: Any, **__: Any) -> str:
    """What each of these jobs is about."""
    return f"order:{order_id}"


@shared_task(
    name="orders.advance_checkout", base=JobTask, atomic=False, retry_policy=MONEY, subject=subject
)
def advance_checkout(order_id: int) -> None:
    """Take a placed order as far as it can go: confirmed, or failed with all given back."""
    checkout.advance_checkout(order_id=order_id)


@shared_task(name="orders.refund", base=JobTask, atomic=False, retry_policy=MONEY, subject=subject)
def refund(order_id: int) -> None:
    """Give back whatever was taken for an order."""
    refunds.give_back(order_id=order_id)


@shared_task(
    name="orders.send_email", base=JobTask, atomic=False, retry_policy=MAIL, subject=subject
)
def send_email(order_id: int, kind: str, again: bool = False) -> None:
    """Send an e-mail (confirmation, cancellation or refund) about an order."""
    mails.send(order_id=order_id, kind=kind, again=again)


@shared_task(name="orders.heed_notice", base=JobTask, subject=subject)
def heed_notice(order_id: int) -> None:
    """Have the provider asked now, since it told that something happened."""
    notices.heed(order_id=order_id)
