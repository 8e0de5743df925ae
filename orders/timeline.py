"""An order's timeline: what happened, in the words of the shop, for customers and operators.

An event is written in the transaction of the change it tells of, so that there is never one
without the other.
"""

from __future__ import annotations

from orders.models import OrderEvent
from tasks.context import current_job

MESSAGE_CHARS = 300
KIND_CHARS = 40
ACTOR_CHARS = 80


def record(*, order_id: int, kind: str, message: str, actor: str = "") -> OrderEvent:
    """Add one line to the order's timeline; longer messages are cut at 300 characters.

    `kind` is for programs (`charged`), `message` for people, `actor` the person who asked for it.
    """
    return OrderEvent.objects.create(**_values(order_id, kind, message, actor))


def record_once(*, order_id: int, kind: str, message: str) -> None:
    """The same for what has no state of its own to change: once for each job and message.

    A job that runs again after a crash finds its own line and adds no second one.
    """
    values = _values(order_id, kind, message, actor="")
    if not OrderEvent.objects.filter(**values).exists():
        OrderEvent.objects.create(**values)


def _values(order_id: int, kind: str, message: str, actor: str) -> dict[str, object]:
    job = current_job()
    return {
        "order_id": order_id,
        "kind": kind[:KIND_CHARS],
        "message": message[:MESSAGE_CHARS],
        "actor": actor[:ACTOR_CHARS],
        "job_id": job.id if job else None,
    }
