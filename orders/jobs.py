"""How the services ask for the orders' jobs: by the task's name, in their own transaction.

`orders.tasks` imports the services, so the services can't import it. `OrdersConfig.ready` makes
sure that the names are known in every process.
"""

from __future__ import annotations

from typing import Any

from celery import current_app

HEEDED_WITHIN_S = 600


def enqueue_checkout(order_id: int) -> str:
    """Ask for the order to be taken as far as it can go. Returns the job's id."""
    return _enqueue("orders.advance_checkout", order_id)


def enqueue_refund(order_id: int) -> str:
    """Ask for whatever was, or may have been, taken for the order to be given back.

    While such a job is alive there is no second one: both would do the same.
    """
    return _enqueue("orders.refund", order_id, unique_key=f"order:{order_id}:refund")


def enqueue_email(order_id: int, kind: str, *, again: bool = False) -> str:
    """Ask for an e-mail of this kind; `again` sends it even if it was sent before."""
    return _enqueue("orders.send_email", order_id, kind=kind, again=again)


def enqueue_heeding(order_id: int) -> str:
    """Ask for the provider to be asked now, since it told that something happened.

    Worth something only for a while: later the order's own jobs have asked by themselves.
    """
    task = current_app.tasks["orders.heed_notice"]
    return str(task.apply_async((order_id,), expires=HEEDED_WITHIN_S).id)


def _enqueue(name: str, order_id: int, *, unique_key: str | None = None, **kwargs: Any) -> str:
    options: dict[str, Any] = {"unique_key": unique_key} if unique_key else {}
    return str(current_app.tasks[name].apply_async((order_id,), kwargs, **options).id)
