"""How an order stands, why, and what happens next, in sentences that can be read to a customer.

Pure: records and a clock in, sentences out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from orders.entries import effect_name, job_name, one_line
from orders.mails import EVENT_OF_KIND, Kind
from orders.models import Order, Payment
from orders.states import UNPAID
from orders.why import Records
from tasks.models import LIVE_STATES, Effect, Job, JobState

REASONS = (
    (("the provider still works", "the charge may still be on its way"), "the payment provider"),
    (("Gateway",), "the payment provider"),
    (("LockTimeout", "LockLost", "StaleFence"), "its turn at a product that many want"),
    (("LockUnavailable",), "the locks (Redis)"),
    (("Another try of",), "an earlier try of the same that may still be under way"),
    (("SMTP", "NotDone", "ConnectionRefused", "TimeoutError", "OSError"), "the mail server"),
)
"""What a job waits for, by how its error begins."""


@dataclass(frozen=True)
class Standing:
    """`sentences` begin with how the order stands. `needs_person`: nothing goes on by itself."""

    sentences: tuple[str, ...]
    needs_person: bool


def standing(records: Records, *, now: datetime) -> Standing:
    """How it stands at `now`."""
    troubles = [*_stuck(records), *_doubtful_mails(records)]
    sentences = [_state(records.order), *troubles, *_next(records, now)]
    if len(sentences) == 1:
        sentences.append("Nothing more will happen by itself.")
    return Standing(tuple(sentences), bool(troubles))


def retryable(records: Records) -> list[Job]:
    """Jobs that a person may let run again, newest first; a later one may have done it."""
    ended = (JobState.DEAD, JobState.CANCELLED, JobState.EXPIRED)
    return [job for job in records.jobs if job.state in ended]


def _state(order: Order) -> str:
    money = {
        Payment.State.PENDING: "Nobody has asked for the money yet.",
        Payment.State.CHARGING: "Whether the money was taken is not known yet.",
        Payment.State.CAPTURED: "The money was taken.",
        Payment.State.REFUSED: "No money was taken.",
        Payment.State.REFUNDED: "The money was given back.",
        Payment.State.VOID: "No money was taken.",
    }[Payment.State(order.payment.state)]
    return {
        Order.State.PLACED: f"The order was received; its goods are not set aside yet. {money}",
        Order.State.RESERVED: f"The goods are set aside. {money}",
        Order.State.CONFIRMED: f"The order is confirmed. {money}",
        Order.State.FAILED: f"The order failed. {order.failure} {money}",
        Order.State.CANCELLED: f"The order was cancelled. {money}",
        Order.State.REFUNDED: "The order was refunded; the customer keeps the goods.",
    }[Order.State(order.state)]


def _stuck(records: Records) -> Iterator[str]:
    """Work that is owed to the order, while no job does it."""
    order = records.order
    owed = ""
    if order.state in UNPAID:
        owed = "orders.advance_checkout"
    elif _owes_money(order) or _refund_was_asked(records):
        owed = "orders.refund"
    if not owed or any(job.task == owed and job.state in LIVE_STATES for job in records.jobs):
        return
    ended = next((job for job in records.jobs if job.task == owed), None)
    if ended is None:
        yield "It is stuck: no job works on it."
    else:
        yield (
            f"It is stuck: its {job_name(ended)} job is {ended.get_state_display()}"
            + (f" ({one_line(ended.error).rstrip('.')})" if ended.error else "")
            + ". Put right what is wrong, then retry the job."
        )


def _owes_money(order: Order) -> bool:
    ended = (Order.State.FAILED, Order.State.CANCELLED)
    return order.state in ended and order.payment.state in (
        Payment.State.CHARGING,
        Payment.State.CAPTURED,
    )


def _refund_was_asked(records: Records) -> bool:
    return records.order.payment.state == Payment.State.CAPTURED and any(
        event.kind == "refund_asked" for event in records.events
    )


def _doubtful_mails(records: Records) -> Iterator[str]:
    """Each kind of mail by its newest job; one sent again puts an older doubt to rest."""
    for kind in EVENT_OF_KIND:
        job = next((job for job in records.jobs if _mail_of(job) == kind), None)
        if job is None or job.state != JobState.DEAD:
            continue
        if job.error.startswith("MailUnknown"):
            yield (
                f"The {kind} e-mail is unknown: it may or may not have arrived. "
                "Ask the customer, or look in the mail server's log, and send it again if needed."
            )
        else:
            yield f"The {kind} e-mail was not sent: {one_line(job.error)}"


def _mail_of(job: Job) -> Kind | None:
    """Which mail the job sends."""
    if job.task != "orders.send_email":
        return None
    return Kind(job.kwargs["kind"])


def _next(records: Records, now: datetime) -> Iterator[str]:
    for job in reversed(records.jobs):
        if job.state in LIVE_STATES:
            yield _live(job, _open_effect(records, job), now)


def _open_effect(records: Records, job: Job) -> Effect | None:
    return next(
        (
            effect
            for effect in records.effects
            if effect.job_id == job.pk and effect.state == Effect.State.INTENDED
        ),
        None,
    )


def _live(job: Job, effect: Effect | None, now: datetime) -> str:
    name = f"The {job_name(job)} job"
    about = f" ({effect_name(effect)})" if effect else ""
    if job.state == JobState.RUNNING:
        return f"{name} is at work on it right now{about}."
    if job.state == JobState.QUEUED:
        return f"{name} waits for a free worker."
    if job.run_at <= now:
        return f"{name} is due and waits for the dispatcher."
    when = f"next try at {job.run_at:%d %b %H:%M:%S} UTC"
    if not job.error:
        return f"{name} waits; {when}."
    return f"{name} waits for {_reason(job.error)}{about}; {when}."


def _reason(error: str) -> str:
    """What it waits for, in plain words where we know them."""
    for starts, reason in REASONS:
        if error.startswith(starts):
            return reason
    return f"another try, after “{one_line(error)}”"
