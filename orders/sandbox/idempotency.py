"""One request for a key is worked on; every other one gets what it got.

A client whose answer was lost asks again with the same key, perhaps while the first request is
still under way, perhaps after the provider was killed, perhaps with a bug that changed the amount.

    key                          answer
    ───────────────────────────  ─────────────────────────────────────────────────────
    unknown                      worked on; effect and answer are committed together
    known, answered              the saved answer, byte for byte
    known, no answer was kept    worked on
    being worked on              409 (`InFlight`)
    known, other parameters      422 (`KeyReused`)

A key is *being worked on* while a transaction holds its advisory lock. The lock ends with the
transaction, so a killed provider leaves neither half a charge nor a key that is in flight for ever,
and nobody has to guess when a request is stale.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction

from orders.sandbox.errors import InFlight, KeyReused
from orders.sandbox.models import IdempotencyRecord

BUSY = "A request with this key is being worked on."
IN_FLIGHT = (Path(__file__).parent / "sql" / "in_flight.sql").read_text()


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    keep: bool = True
    """Whether the same answer is due to everyone who repeats the request."""
    replayed: bool = False


def once(*, key: str, wish: str, work: Callable[[bool], Answer]) -> Answer:
    """The answer to `wish` (its parameters as text), by `work` or from an earlier time.

    `work(first)` runs in the transaction that keeps its answer; `first` tells that nobody used the
    key before. What it raises undoes everything, the key's use included. Raises `InFlight` and
    `KeyReused`.
    """
    fingerprint = hashlib.sha256(wish.encode()).hexdigest()
    with transaction.atomic():
        if not _ask("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", key):
            raise InFlight(BUSY)
        record, first = IdempotencyRecord.objects.get_or_create(
            key=key, defaults={"fingerprint": fingerprint}
        )
        if record.fingerprint != fingerprint:
            raise KeyReused("This Idempotency-Key was used with other parameters.")
        if record.status is not None:
            return Answer(record.status, record.body, replayed=True)
        answer = work(first)
        if answer.keep:
            record.status, record.body = answer.status, answer.body
            record.save(update_fields=["status", "body"])
        return answer


def settled(key: str) -> None:
    """Call it before looking up what was made with a key. Raises `InFlight`.

    A look-up that overtook the charge it asks about would answer "no", and the client would rely on
    it. Whoever began before this call is seen: by the lock, or by what it committed.
    """
    if _ask(IN_FLIGHT, key):
        raise InFlight(BUSY)


def _ask(question: str, key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question, [f"sandbox payments {key}"])
        (yes,) = cursor.fetchone()
    return bool(yes)
