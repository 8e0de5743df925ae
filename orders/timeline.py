"""An order's timeline: what happened, in the words of the shop, for customers and operators.

An event is written in the transaction of the change it tells of, so that there is never one
without the other.
"""

from __future__ import annotations

from orders.models import OrderEvent
from tasks.context import current_caller, current_job

MESSAGE_CHARS = 300
KIND_CHARS = 40
ACTOR_CHARS = 80

CUSTOMER = "customer"
"""The actor of what an order's own customer did."""


def record(*, order_id: int, kind: str, message: str, actor: str = "") -> OrderEvent:
    """Add one line to the order's timeline; longer messages are cut at 300 characters.

    `kind` is for programs (`charged`), `message` for people, `actor` the person who asked for it:
    unless it is given, whoever is behind the request (`user:3`, `guest`), or nobody in a job.
    """
    return OrderEvent.objects.create(**_values(order_id, kind, message, actor))


def record_once(*, order_id: int, kind: str, message: str) -> None:
    """The same for what has no state of its own to change: once for each job and message.

    A job that runs again after a crash finds its own line and adds no second one.
    """
    values = _values(order_id, kind, message, actor="")
    if not OrderEvent.objects.filter(**values).exists():
        OrderEvent.objects.create(**values)


def author(actor: str) -> str:
    """The person named, else whoever is behind the request; nobody in a job."""
    return actor or ("" if current_job() else current_caller().name)


def _values(order_id: int, kind: str, message: str, actor: str) -> dict[str, object]:
    job = current_job()
    return {
        "order_id": order_id,
        "kind": kind[:KIND_CHARS],
        "message": message[:MESSAGE_CHARS],
        "actor": author(actor)[:ACTOR_CHARS],
        "job_id": job.id if job else None,
    }
