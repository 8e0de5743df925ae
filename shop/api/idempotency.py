"""One request for an Idempotency-Key is worked on; every other one gets what it got.

A client whose answer was lost can't know whether it has ordered. It asks again with the same key:
perhaps while its first request is still under way, perhaps after our process was killed, perhaps a
day later, perhaps with a bug that changed the basket.

    key of this caller             answer
    ─────────────────────────────  ──────────────────────────────────────────────────────────
    unknown                        worked on; the order and the reply are committed together
    known, same request            the saved reply, byte for byte, `Idempotent-Replayed: true`
    known, other request           422 (`KeyReused`)
    being worked on                409 (`InFlight`)
    refused before (4xx)           worked on: nothing had happened, so nothing was saved
    forgotten (after 24 hours)     the order's `source` still knows it: the same order again

A key is *being worked on* while a transaction holds its advisory lock. The lock ends with the
transaction, so a killed process leaves neither half an order nor a key that is in flight for ever.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS

`orders.sandbox.idempotency` does the like for the payment provider, and shares nothing with this:
it stands for another company's system, its keys have no owners, and it keeps its answers for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from shop.api.models import IdempotentReply
from shop.api.problems import InFlight, KeyReused

KEPT_FOR = timedelta(hours=24)
PRUNED_AT_ONCE = 1000

BUSY = "A request with this Idempotency-Key is being worked on. Ask again in a second."
REUSED = "This Idempotency-Key was used for another request. Take a new one for a new order."


@dataclass(frozen=True)
class Reply:
    status: int
    body: str
    replayed: bool = False


def once(*, owner: str, key: str, wish: str, work: Callable[[], Reply]) -> Reply:
    """The reply to `wish` (the request as text), by `work` or from an earlier time.

    `work` runs in the transaction that keeps its reply. What it raises undoes everything. Raises
    `InFlight` and `KeyReused`.
    """
    fingerprint = hashlib.sha256(wish.encode()).hexdigest()
    with transaction.atomic():
        if not _lock(owner, key):
            raise InFlight(BUSY)
        saved = IdempotentReply.objects.filter(owner=owner, key=key).first()
        if saved is not None and saved.fingerprint != fingerprint:
            raise KeyReused(REUSED)
        if saved is not None:
            return Reply(saved.status, saved.body, replayed=True)
        reply = work()
        IdempotentReply.objects.create(
            owner=owner, key=key, fingerprint=fingerprint, status=reply.status, body=reply.body
        )
        return reply


def source_of(*, owner: str, key: str) -> str:
    """`Order.source` of what is ordered with the key: one order, even if its reply was lost."""
    return "api:" + _digest(owner, key)


def prune() -> int:
    """Delete replies that were kept long enough; how many."""
    old = IdempotentReply.objects.filter(created_at__lt=timezone.now() - KEPT_FOR)
    deleted = 0
    while ids := list(old.values_list("pk", flat=True)[:PRUNED_AT_ONCE]):
        deleted += IdempotentReply.objects.filter(pk__in=ids).delete()[0]
    return deleted


def _lock(owner: str, key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"api idempotency {_digest(owner, key)}"],
        )
        (locked,) = cursor.fetchone()
    return bool(locked)


def _digest(owner: str, key: str) -> str:
    return hashlib.sha256(f"{owner}\0{key}".encode()).hexdigest()
