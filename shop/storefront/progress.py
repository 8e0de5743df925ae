"""How far an order is, in the words of its own page.

The page is drawn from it once, and the same values as JSON keep the page fresh while jobs work.
"""

from __future__ import annotations

from dataclasses import dataclass

from orders.models import Order, OrderEvent
from orders.states import UNPAID
from tasks.models import LIVE_STATES, Job

HEADLINES = {
    Order.State.PLACED: ("Received", "We have your order and are looking for the goods."),
    Order.State.RESERVED: ("Goods set aside", "They are yours while we take the payment."),
    Order.State.CONFIRMED: ("Confirmed", "Paid and confirmed. Thank you!"),
    Order.State.FAILED: ("Not completed", "We could not complete your order; you do not pay."),
    Order.State.CANCELLED: ("Cancelled", "The order was cancelled. What was paid goes back."),
    Order.State.REFUNDED: ("Refunded", "The order was refunded."),
}


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
        events=[_event(event) for event in order.events.all()],
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
        message=event.message,
        at=event.created_at.isoformat(timespec="milliseconds"),
        at_text=f"{event.created_at:%H:%M:%S} UTC",
    )
