"""E-mails about an order: built from the order as it is, sent at most once of each kind.

`tasks.mailing` tells why at most once, and what happens to a mail of which nobody knows whether it
was sent; here the order's timeline says so, and a person may resend it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import models, transaction
from django.template.loader import render_to_string

from orders import jobs, timeline
from orders.errors import NothingToSend
from orders.models import Order, Payment
from orders.money import format_minor
from tasks import mailing
from tasks.context import current_job
from tasks.errors import MailUnknown


class Kind(models.TextChoices):
    CONFIRMATION = "confirmation", "confirmation"
    CANCELLATION = "cancellation", "cancellation"
    REFUND = "refund", "refund"


SUBJECTS = {
    Kind.CONFIRMATION: "Your order {number} is confirmed",
    Kind.CANCELLATION: "Your order {number} was cancelled",
    Kind.REFUND: "Your refund for order {number}",
}

EVENT_OF_KIND = {
    Kind.CONFIRMATION: "confirmed",
    Kind.CANCELLATION: "cancelled",
    Kind.REFUND: "refunded",
}
"""The timeline's event that each kind of mail tells of; both are of one transaction."""


@dataclass(frozen=True)
class MailLine:
    """One ordered line, formatted."""

    name: str
    sku: str
    quantity: int
    total: str


def send(*, order_id: int, kind: str, again: bool = False) -> None:
    """Send one e-mail about the order, at most once for its kind. Must not be in a transaction.

    `again` makes it another e-mail: at most once for this job. Raises the errors of
    `tasks.mailing.send_once`, and `ValueError` for an unknown kind.
    """
    order = Order.objects.select_related("payment").get(pk=order_id)
    kind = Kind(kind)
    key = effect_key(order, kind, again=again)
    try:
        mailing.send_once(
            build(order, kind), key=key, params={"order": order.pk, "kind": str(kind)}
        )
    except MailUnknown as error:
        timeline.record_once(
            order_id=order.pk,
            kind="email_unknown",
            message=f"The {kind} e-mail may not have arrived. It can be sent again.",
        )
        again_by = "If it wasn't, use “Send the last e-mail again” on the order."
        raise MailUnknown(f"{error} {again_by}") from error
    timeline.record_once(
        order_id=order_id,
        kind="email_sent",
        message=f"The {kind} e-mail was sent{' again' if again else ''}.",
    )


def resend(*, order_id: int, actor: str = "") -> None:
    """Ask for the newest e-mail of the order to be sent once more.

    Raises `NothingToSend` for an order whose customer was never written to.
    """
    with transaction.atomic():
        order = Order.objects.select_related("payment").get(pk=order_id)
        kind = newest_kind(order)
        if kind is None:
            raise NothingToSend(
                f"Order {order_id} is {order.state}: there is no e-mail about that."
            )
        message = f"The {kind} e-mail was asked for again."
        timeline.record(order_id=order_id, kind="email_asked", message=message, actor=actor)
        jobs.enqueue_email(order_id, kind, again=True)


def newest_kind(order: Order) -> Kind | None:
    """The e-mail that tells how the order stands now."""
    if order.payment.state == Payment.State.REFUNDED:
        return Kind.REFUND
    if order.state == Order.State.CANCELLED:
        return Kind.CANCELLATION
    return Kind.CONFIRMATION if order.state == Order.State.CONFIRMED else None


def effect_key(order: Order, kind: Kind, *, again: bool) -> str:
    """`order:42:email:refund`; a resend adds its job's id. Raises `ValueError` without a job."""
    key = f"{order.reference}:email:{kind}"
    if not again:
        return key
    job = current_job()
    if job is None:
        raise ValueError("Only a job can send an e-mail again: its id is part of the key.")
    return f"{key}:{job.id}"


def build(order: Order, kind: Kind) -> EmailMultiAlternatives:
    """The message as text and HTML."""
    context = _context(order)
    message = EmailMultiAlternatives(
        subject=SUBJECTS[kind].format(number=order.pk),
        body=render_to_string(f"orders/email/{kind}.txt", context),
        to=[order.email],
    )
    message.attach_alternative(render_to_string(f"orders/email/{kind}.html", context), "text/html")
    return message


def _context(order: Order) -> dict[str, object]:
    return {
        "order": order,
        "lines": [
            MailLine(
                name=line.name,
                sku=line.sku,
                quantity=line.quantity,
                total=format_minor(line.total_minor, order.currency),
            )
            for line in order.lines.all()
        ],
        "total": format_minor(order.total_minor, order.currency),
        "paid": order.payment.captured_at is not None,
        "url": f"{settings.SITE_URL}/orders/{order.code}/",
    }
