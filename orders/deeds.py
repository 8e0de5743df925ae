"""What the shop's people may do to an order: who may, the service that does it, its record.

The admin's list and the order's "Why?" page offer the same deeds; both come through `do`, which
asks for the permission, does the deed and puts it on record, all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from orders import mails, timeline
from orders.cancelling import cancel_order
from orders.errors import NothingToRefund, NothingToSend
from orders.models import Order
from orders.refunds import refund_order
from tasks import audit_log, jobs
from tasks.models import Job

REASON_CHARS = 200

RETRY_PERMISSION = "tasks.retry_job"


@dataclass(frozen=True, kw_only=True)
class Deed:
    """`act(order, actor, reason)` answers what was in the way, or nothing."""

    permission: str
    recorded_as: str
    act: Callable[[Order, str, str], str]


def do(deed: Deed, *, order: Order, person: Any, reason: str = "") -> str:
    """Do it in the name of a signed-in user; answers what was in the way, or nothing.

    Raises `PermissionDenied`. What could not be done is not on record.
    """
    if not person.has_perm(deed.permission):
        raise PermissionDenied
    reason = reason.strip()[:REASON_CHARS]
    with transaction.atomic():
        problem = deed.act(order, person.get_username(), reason)
        if not problem:
            audit_log.record(
                actor=audit_log.user(person),
                action=deed.recorded_as,
                subject=order.reference,
                reason=reason,
            )
    return problem


def retry(*, order: Order, job_id: str, person: Any, reason: str = "") -> str:
    """Let an ended job of the order run again. Raises `PermissionDenied` as `do` does."""
    if not person.has_perm(RETRY_PERMISSION):
        raise PermissionDenied
    job = Job.objects.filter(pk=job_id, subject=order.reference).first()
    if job is None:
        return f"Order {order.pk} has no such job."
    with transaction.atomic():
        if not jobs.retry(job.pk):
            return "The job can't be retried: it is alive, has succeeded, or another one does it."
        audit_log.record(
            actor=audit_log.user(person),
            action="job.retry",
            subject=f"job:{job.pk}",
            reason=reason.strip()[:REASON_CHARS],
        )
    return ""


def _cancel(order: Order, actor: str, reason: str) -> str:
    cancelled = cancel_order(order_id=order.pk, actor=actor, reason=reason)
    return "" if cancelled else f"Order {order.pk} had ended already."


def _refund(order: Order, actor: str, reason: str) -> str:
    try:
        refund_order(order_id=order.pk, actor=actor, reason=reason)
    except NothingToRefund as error:
        return str(error)
    return ""


def _resend(order: Order, actor: str, reason: str) -> str:
    try:
        mails.resend(order_id=order.pk, actor=actor)
    except NothingToSend as error:
        return str(error)
    return ""


def _comment(order: Order, actor: str, reason: str) -> str:
    if not reason:
        return "There is nothing in the comment."
    timeline.record(order_id=order.pk, kind="comment", message=reason, actor=actor)
    return ""


CANCEL = Deed(permission="orders.cancel_order", recorded_as="order.cancel", act=_cancel)
REFUND = Deed(permission="orders.refund_order", recorded_as="order.refund", act=_refund)
RESEND = Deed(permission="orders.resend_email", recorded_as="order.resend_email", act=_resend)
COMMENT = Deed(permission="orders.comment_order", recorded_as="order.comment", act=_comment)
