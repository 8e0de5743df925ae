"""Telling the shop what happened (webhooks), as providers do: signed, and again until it listens.

What happened is written down in the transaction that made it happen. A thread of the provider tells
it, at least once. A shop that doesn't listen is told again after pauses that double; and it needn't
listen at all, since it can always ask. Without `SANDBOX_WEBHOOK_URL` nothing is told.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event as Signal
from threading import Thread

import httpx
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connections, transaction
from django.db.models import F
from django.utils import timezone

from orders.payments.signature import HEADER, sign
from orders.sandbox.books import settle_due
from orders.sandbox.models import Event

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
TIMEOUT_S = 5.0
LONGEST_PAUSE_S = 3600.0
MOST_TRIES = 80  # about three days, as long as Stripe tries


@contextmanager
def telling() -> Iterator[None]:
    """Tell what happens until the block ends."""
    if not settings.SANDBOX_WEBHOOK_URL:
        yield
        return
    stopped = Signal()
    thread = Thread(target=_tell_until, args=[stopped], name="telling")
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def tell_next(client: httpx.Client) -> bool:
    """Tell the next event that is due. False: there is none."""
    event = _take()
    if event is None:
        return False
    body = json.dumps({"id": event.reference, "type": event.kind, "key": event.key}).encode()
    signature = sign(body, secret=settings.SANDBOX_WEBHOOK_SECRET, at=int(time.time()))
    headers = {HEADER: signature, "Content-Type": "application/json"}
    try:
        answer = client.post(settings.SANDBOX_WEBHOOK_URL, content=body, headers=headers)
    except httpx.HTTPError as error:
        logger.info("Telling %s failed: %s", event.reference, type(error).__name__)
        return True
    if answer.is_success:
        Event.objects.filter(pk=event.pk).update(told_at=timezone.now())
    return True


def _take() -> Event | None:
    """The event that is due first; its next try is put off before this one begins."""
    due = Event.objects.filter(
        told_at=None, next_try_at__lte=timezone.now(), tries__lt=MOST_TRIES
    ).order_by("next_try_at")
    with transaction.atomic():
        event = due.select_for_update(skip_locked=True).first()
        if event is not None:
            pause_s = min(2.0 ** (event.tries + 1), LONGEST_PAUSE_S)
            Event.objects.filter(pk=event.pk).update(
                tries=F("tries") + 1, next_try_at=timezone.now() + timedelta(seconds=pause_s)
            )
        return event


def _tell_until(stopped: Signal) -> None:
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
        while not stopped.wait(LOOK_EVERY_S):
            try:
                close_old_connections()
                settle_due()
                while not stopped.is_set() and tell_next(client):
                    pass
            except (DatabaseError, InterfaceError) as error:
                logger.warning("PostgreSQL failed: %s", type(error).__name__)
    connections.close_all()
