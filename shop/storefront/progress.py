"""How far an order is, in the words of its own page.

The page is drawn from it once, and the same values as JSON keep the page fresh while jobs work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orders.models import Order, OrderEvent
from orders.states import UNPAID
from tasks.models import LIVE_STATES, Job

STEPS = {Order.State.PLACED: 1, Order.State.RESERVED: 2, Order.State.CONFIRMED: 3}
"""How far along the way from received over set aside to confirmed; an order that ended has left
it."""

HEADLINES = {
    Order.State.PLACED: ("Received", "We have your order and are looking for the goods."),
    Order.State.RESERVED: ("Goods set aside", "They are yours while we take the payment."),
    Order.State.CONFIRMED: ("Confirmed", "Paid and confirmed. Thank you!"),
    Order.State.FAILED: ("Not completed", "We could not complete your order; you do not pay."),
    Order.State.CANCELLED: ("Cancelled", "The order was cancelled. What was paid goes back."),
    Order.State.REFUNDED: ("Refunded", "The order was refunded."),
}

AS_RECORDED = ""

WORDS: Mapping[str, str] = {
    "placed": "We received your order.",
    "reserved": "We set your goods aside.",
    "charged": AS_RECORDED,
    "payment_refused": "Your card was declined.",
    "confirmed": "Your order is confirmed.",
    "failed": AS_RECORDED,
    "cancelled": "Your order was cancelled.",
    "refund_asked": "We are sending your money back.",
    "refunded": AS_RECORDED,
    "email_sent": AS_RECORDED,
    "email_asked": "We are sending you our e-mail again.",
    "email_unknown": "Our e-mail may not have reached you. All that it says is on this page.",
}
"""What customers read of each kind of event. A kind that is not here is the shop's own business,
and so are the reasons that its people note."""


@dataclass(frozen=True)
class Event:
    """One line of the timeline. `at` is for programs (ISO 8601), `at_text` for people; UTC."""

    id: int
    kind: str
    message: str
    at: str
    at_text: str


@dataclass(frozen=True)
class Progress:
    state: str
    headline: str
    detail: str
    step: int
    """1 received, 2 goods set aside, 3 confirmed; 0 when it was not completed or was undone."""
    events: list[Event]
    final: bool
    """Nothing more will happen by itself: the page may stop asking."""
    can_reorder: bool


def progress_of(order: Order) -> Progress:
    """Reads jobs before events, so that the last job's event is there once `final` is true."""
    final = order.state not in UNPAID and not _has_work_left(order)
    headline, detail = HEADLINES[Order.State(order.state)]
    return Progress(
        state=order.state,
        headline=headline,
        detail=order.failure or detail,
        step=STEPS.get(Order.State(order.state), 0),
        events=[_event(event) for event in order.events.filter(kind__in=WORDS)],
        final=final,
        can_reorder=order.state == Order.State.FAILED,
    )


def _has_work_left(order: Order) -> bool:
    """Whether a job, such as the confirmation's e-mail, is still under way."""
    return Job.objects.filter(subject=order.reference, state__in=LIVE_STATES).exists()


def _event(event: OrderEvent) -> Event:
    return Event(
        id=event.pk,
        kind=event.kind,
        message=WORDS[event.kind] or event.message,
        at=event.created_at.isoformat(timespec="milliseconds"),
        at_text=f"{event.created_at:%-d %B, %H:%M:%S} UTC",
    )
