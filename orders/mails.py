"""E-mails about an order: built from the order as it is, handed to the mail server at most once.

SMTP can't be asked "did you take this message?". So when a worker dies, or the server goes silent,
while a message is being handed over, nobody knows whether it left, and there are two ways to be
wrong: send it again and perhaps send it twice, or don't and perhaps send none. We don't: the job
is dead with `EmailUnknown`, the timeline says so, and a person looks at the mail server's log for
the Message-ID (made from the effect's key, so it is known) and resends. The reasons are in
docs/decisions/0010-email-at-most-once.md.

That moment is kept short. The connection is made, secured and logged in *before* the effect's
intent is written, so a mail server that is down or refuses us costs a retry and no doubt. A server
that answers "no" has surely not taken the message, which is no doubt either.
"""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import models, transaction
from django.template.loader import render_to_string

from orders import jobs, timeline
from orders.errors import EmailRefused, EmailUnknown, NothingToSend
from orders.models import Order, Payment
from orders.money import format_minor
from tasks import effects
from tasks.context import current_job
from tasks.errors import NotDone


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

    `again` makes it another e-mail: at most once for this job. Raises `EmailUnknown` when it may
    or may not have been sent, `EmailRefused` when the server will never take it, `ValueError` for
    an unknown kind, and `OSError`, `smtplib.SMTPException` or `NotDone` when trying later may help.
    """
    order = Order.objects.select_related("payment").get(pk=order_id)
    kind = Kind(kind)
    key = effect_key(order, kind, again=again)
    connection: BaseEmailBackend = get_connection()
    connection.open()
    try:
        _perform(order, kind, key, connection)
    finally:
        connection.close()
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


def message_id(key: str) -> str:
    """The Message-ID that belongs to an effect's key, always the same."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{key.replace(':', '.')}@{domain}>"


def build(order: Order, kind: Kind, *, key: str) -> EmailMultiAlternatives:
    """The message as text and HTML."""
    context = _context(order)
    message = EmailMultiAlternatives(
        subject=SUBJECTS[kind].format(number=order.pk),
        body=render_to_string(f"orders/email/{kind}.txt", context),
        to=[order.email],
        headers={
            "Message-ID": message_id(key),
            "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office answers, please
        },
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


def _perform(order: Order, kind: Kind, key: str, connection: BaseEmailBackend) -> None:
    message = build(order, kind, key=key)

    def call() -> dict[str, object]:
        _hand_over(message, connection)
        return {"message_id": message_id(key)}

    def look_up() -> dict[str, object] | None:
        raise _unknown(order, kind, key)

    effects.perform(
        key=key,
        kind="email",
        params={"order": order.pk, "kind": str(kind)},
        call=call,
        look_up=look_up,
    )


def _unknown(order: Order, kind: Kind, key: str) -> EmailUnknown:
    """Say so on the timeline, and make the error that ends the job."""
    timeline.record_once(
        order_id=order.pk,
        kind="email_unknown",
        message=f"The {kind} e-mail may not have arrived. It can be sent again.",
    )
    return EmailUnknown(
        f"Nobody knows whether {message_id(key)} was sent: look in the mail server's log, and "
        f"if it wasn't, use “Send the last e-mail again” on the order."
    )


def _hand_over(message: EmailMultiAlternatives, connection: BaseEmailBackend) -> None:
    """Give the message to the server. What it answers decides what the effect's outcome is.

    https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1: 4yz may be tried again, 5yz may not.
    """
    try:
        connection.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise _refusal(min(codes, default=0), error) from error
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, error) from error


def _refusal(code: int, error: Exception) -> NotDone:
    return EmailRefused(str(error)) if 500 <= code < 600 else NotDone(str(error))
