"""One answer for a key: the first request is worked on, every other one gets what it got.

    unknown key               begin
    known, answered           the saved answer again, byte for byte
    known, being worked on    409, ask later; after `STALE_S` its worker is taken for dead
    known, other parameters   422
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from orders.sandbox.models import SavedAnswer

# Longer than a request can be worked on, in seconds.
STALE_S = 30.0

RETRY_AFTER_S = 1


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    replayed: bool = False
    retry_after_s: int = 0


@dataclass(frozen=True)
class Begun:
    """The request is the caller's to work on."""

    record: SavedAnswer

    @property
    def first_ask(self) -> bool:
        return self.record.asks == 1

    def finish(self, status: int, body: Any) -> Answer:
        """Save the answer, in the transaction of what it tells about."""
        text = json.dumps(body)
        SavedAnswer.objects.filter(pk=self.record.pk).update(status=status, body=text)
        return Answer(status, text)

    def give_up(self) -> None:
        """Nothing was done: whoever asks next begins anew."""
        stale = timezone.now() - timedelta(seconds=STALE_S)
        SavedAnswer.objects.filter(pk=self.record.pk).update(started_at=stale)


def begin(*, key: str, path: str, body: bytes) -> Begun | Answer:
    """Start on a key, or say what to answer instead."""
    now = timezone.now()
    fingerprint = hashlib.sha256(path.encode() + b"\0" + body).hexdigest()
    record, created = SavedAnswer.objects.get_or_create(
        key=key, defaults={"fingerprint": fingerprint, "started_at": now}
    )
    if created:
        return Begun(record)
    if record.fingerprint != fingerprint:
        return error(422, "The key was used with other parameters.")
    if record.status is not None:
        return Answer(record.status, record.body, replayed=True)
    stale = Q(started_at__lte=now - timedelta(seconds=STALE_S))
    taken = SavedAnswer.objects.filter(stale, pk=record.pk, status=None)
    if taken.update(started_at=now, asks=F("asks") + 1):
        record.refresh_from_db()
        return Begun(record)
    busy = error(409, "A request with this key is being worked on.")
    return Answer(busy.status, busy.body, retry_after_s=RETRY_AFTER_S)


def in_flight(key: str) -> bool:
    fresh = timezone.now() - timedelta(seconds=STALE_S)
    return SavedAnswer.objects.filter(key=key, status=None, started_at__gt=fresh).exists()


def error(status: int, message: str) -> Answer:
    return Answer(status, json.dumps({"error": message}))
