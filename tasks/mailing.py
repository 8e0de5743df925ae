"""E-mails that are handed to the mail server at most once.

SMTP can't be asked "did you take this message?". So when a worker dies, or the server goes silent,
while a message is being handed over, nobody knows whether it left, and there are two ways to be
wrong: send it again and perhaps send it twice, or don't and perhaps send none. We don't: the job
is dead with `MailUnknown`, and a person looks at the mail server's log for the Message-ID (made
from the effect's key, so it is known) and decides. The reasons are in
docs/decisions/0010-email-at-most-once.md.

That moment is kept short. The connection is made, secured and logged in *before* the effect's
intent is written, so a mail server that is down or refuses us costs a retry and no doubt. A server
that answers "no" has surely not taken the message, which is no doubt either.
"""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from tasks import effects
from tasks.errors import MailRefused, MailUnknown, NotDone
from tasks.outcomes import Permanent
from tasks.retry import RetryPolicy
from tasks.stage import RehearsedMail, on_stage

KIND = "email"
"""Of the effects."""

DAY_S = 24 * 3600.0

POLICY = RetryPolicy(
    max_attempts=2_000,  # with waits of up to five minutes days of an outage stay far below it
    base_s=2.0,
    cap_s=300.0,
    deadline_s=3 * DAY_S,  # what mail servers themselves give a message, RFC 5321 section 4.5.4.1
    rules={MailUnknown: Permanent, MailRefused: Permanent, ValueError: Permanent},
)
"""For tasks that send mails."""


def send_once(message: EmailMessage, *, key: str, params: Mapping[str, Any]) -> None:
    """Hand the message to the mail server, at most once for the effect's key. Not in a transaction.

    `params` is what the message is made of, as JSON, without personal data. Raises `MailUnknown`
    when it may or may not have been sent, `MailRefused` when the server will never take it, and
    `OSError`, `smtplib.SMTPException` or `NotDone` when trying later may help.
    """
    message.extra_headers["Message-ID"] = message_id(key)
    # RFC 3834: no out-of-office answers, please.
    message.extra_headers.setdefault("Auto-Submitted", "auto-generated")
    connection: BaseEmailBackend = get_connection()
    if on_stage() is None:
        connection.open()
    try:
        _perform(message, connection, key, params)
    finally:
        connection.close()


def message_id(key: str) -> str:
    """The Message-ID that belongs to an effect's key, always the same."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{key.replace(':', '.')}@{domain}>"


def _perform(
    message: EmailMessage, connection: BaseEmailBackend, key: str, params: Mapping[str, Any]
) -> None:
    def call() -> dict[str, object]:
        _hand_over(message, connection)
        return {"message_id": message_id(key)}

    def look_up() -> dict[str, object] | None:
        raise MailUnknown(
            f"Nobody knows whether Message-ID {message_id(key)} was sent: "
            "look in the mail server's log."
        )

    def rehearse(unknown: bool) -> dict[str, object] | None:
        if unknown:
            return look_up()  # which asks nobody
        if stage := on_stage():
            mail = RehearsedMail(
                to=tuple(message.recipients()), subject=str(message.subject), text=str(message.body)
            )
            stage.mails.append(mail)
        return {"message_id": message_id(key)}

    effects.perform(
        key=key, kind=KIND, params=params, call=call, look_up=look_up, rehearse=rehearse
    )


def _hand_over(message: EmailMessage, connection: BaseEmailBackend) -> None:
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
    return MailRefused(str(error)) if 500 <= code < 600 else NotDone(str(error))
