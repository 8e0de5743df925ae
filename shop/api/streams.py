"""An order's timeline as server-sent events, without costing the shop its threads.

    naive:  a thread waits for each open page: with 16 threads, 16 open pages and the shop is down

gunicorn answers with a few threads a process (`--threads 8`). So a stream has a bounded lifetime
(`API_STREAM_S`), and of a process's threads only `API_STREAMS_PER_PROCESS` may be in streams that
wait. Whoever comes beyond that gets what there is and is asked to come again in a few seconds: a
stream under pressure becomes polling, by the protocol's own means (`retry:`, Last-Event-ID), and no
client has to know. A waiting stream looks for news once a second by an index, and says something
now and then, which also finds out who has gone.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from threading import Lock

from django.conf import settings
from django.db.models import QuerySet

from orders.models import Order, OrderEvent
from orders.states import UNPAID
from tasks.models import LIVE_STATES, Job

MEDIA_TYPE = "text/event-stream"

# Of one event; its data is JSON.
EVENT_SCHEMA = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "event": {"enum": ["message", "end"]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "anyOf": [
                    {
                        "type": "object",
                        "required": ["id", "kind", "message", "at"],
                        "properties": {
                            "id": {"type": "integer"},
                            "kind": {"type": "string"},
                            "message": {"type": "string"},
                            "at": {"type": "string", "format": "date-time"},
                        },
                    },
                    {
                        "type": "object",
                        "required": ["state"],
                        "properties": {"state": {"type": "string"}},
                    },
                ]
            },
        },
    },
}

LOOK_EVERY_S = 1.0
HEARTBEAT_S = 5.0
"""Proxies close a connection on which nothing was said for long, nginx after 60 s."""

RECONNECT_MS = 1000
WHEN_CROWDED_MS = 4000


class Seats:
    """How many streams of this process wait at the moment, and whether one more may."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = 0

    def take(self) -> bool:
        with self._lock:
            if self._taken >= settings.API_STREAMS_PER_PROCESS:
                return False
            self._taken += 1
            return True

    def leave(self) -> None:
        with self._lock:
            self._taken -= 1

    @property
    def taken(self) -> int:
        return self._taken


seats = Seats()


def is_over(order: Order, *, after: int) -> bool:
    """Nothing more will happen by itself, and nothing has since the event `after`."""
    return _is_final(order.pk) and not _events(order.pk, after).exists()


def follow(order: Order, *, after: int) -> Iterator[str]:
    """The stream's text, in pieces, from the event `after` on.

    The seat is taken at the first piece, so that a stream nobody reads takes none.
    """
    seated = seats.take()
    try:
        yield f"retry: {RECONNECT_MS if seated else WHEN_CROWDED_MS}\n\n"
        yield from _pieces(order.pk, after, settings.API_STREAM_S if seated else 0.0)
    finally:
        if seated:
            seats.leave()


def _pieces(order_id: int, after: int, lifetime_s: float) -> Iterator[str]:
    ends_at = time.monotonic() + lifetime_s
    silent_since = time.monotonic()
    while True:
        final = _is_final(order_id)  # before the events, so that the last one is among them
        for event in _events(order_id, after):
            after, silent_since = event.pk, time.monotonic()
            yield _event(event)
        if final:
            yield _end(order_id)
            return
        if time.monotonic() + LOOK_EVERY_S > ends_at:
            return
        if time.monotonic() - silent_since >= HEARTBEAT_S:
            silent_since = time.monotonic()
            yield ": still here\n\n"
        time.sleep(LOOK_EVERY_S)


def _is_final(order_id: int) -> bool:
    """The order has ended, and no job about it, such as its e-mail, is under way."""
    if Order.objects.filter(pk=order_id, state__in=UNPAID).exists():
        return False
    return not Job.objects.filter(subject=f"order:{order_id}", state__in=LIVE_STATES).exists()


def _events(order_id: int, after: int) -> QuerySet[OrderEvent]:
    return OrderEvent.objects.filter(order_id=order_id, pk__gt=after).order_by("pk")


def _event(event: OrderEvent) -> str:
    data = {
        "id": event.pk,
        "kind": event.kind,
        "message": event.message,
        "at": event.created_at.isoformat(timespec="milliseconds"),
    }
    return f"id: {event.pk}\ndata: {json.dumps(data)}\n\n"


def _end(order_id: int) -> str:
    state = Order.objects.values_list("state", flat=True).get(pk=order_id)
    return f"event: end\ndata: {json.dumps({'state': state})}\n\n"
