"""Asking the invariants, all about one moment.

Each is one query over whole tables, so what an audit costs grows with the tables and not with the
breaches, and breaches are streamed: a broken table of millions of rows fits in memory. One
transaction, REPEATABLE READ and READ ONLY, sees one moment: nothing that is committed meanwhile
can look like half of something. It holds no lock that anybody waits for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from orders.mails import EVENT_OF_KIND
from orders.models import Order, Payment
from shop.auditor.breaches import Breach
from shop.auditor.invariants import SQL, Invariant
from shop.moment import one_moment
from tasks.conf import conf
from tasks.models import Effect, JobState

PLACE_OF_THE_INVARIANT = "/* invariant */"

WORK_MEMORY_MB = 64
"""For each sort and each hash of a query: a hundred thousand orders' sums don't go to the disk."""

ROUNDS_TO_RESCUE = 10
"""Rounds of the dispatchers after which a lapsed lease should have been seen; more than a restart
of dispatcher and broker takes."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """An invariant that was asked, and how it stands."""

    invariant: Invariant
    breaches: int
    stuck: int
    """How many of the breaches are only waiting for a person."""

    seconds: float

    @property
    def ok(self) -> bool:
        return not self.breaches


def audit(
    invariants: Iterable[Invariant], *, on_breach: Callable[[Breach], None]
) -> tuple[Checked, ...]:
    """Ask the invariants about this moment; `on_breach` is told of every breach as it is found.

    Must not be in a transaction.
    """
    with one_moment():
        _plan_for_large_tables()
        return tuple(_check(invariant, on_breach) for invariant in invariants)


def breaches_of(invariant: Invariant) -> Iterator[Breach]:
    """Ask one invariant, in the caller's transaction."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_query(invariant), parameters())
        for subject, expected, found, job_id, attempt in cursor:
            yield Breach(
                invariant=invariant.name,
                subject=subject,
                expected=expected,
                found=found,
                job_id=job_id,
                attempt=attempt,
            )


def parameters() -> dict[str, Any]:
    """What the invariants may ask for."""
    return {
        "order_states": Order.State.values,
        "payment_states": Payment.State.values,
        "effect_states": Effect.State.values,
        "job_states": JobState.values,
        "mail_kinds": [str(kind) for kind in EVENT_OF_KIND],
        "mail_events": list(EVENT_OF_KIND.values()),
        "ledger_days": conf().keep_finished_days,
        "rescue_s": conf().lease_s + ROUNDS_TO_RESCUE * conf().rescue_every_s,
    }


def _check(invariant: Invariant, on_breach: Callable[[Breach], None]) -> Checked:
    started = time.monotonic()
    breaches = stuck = 0
    for breach in breaches_of(invariant):
        breaches += 1
        stuck += breach.is_stuck
        on_breach(breach)
    return Checked(
        invariant=invariant,
        breaches=breaches,
        stuck=stuck,
        seconds=time.monotonic() - started,
    )


def _plan_for_large_tables() -> None:
    """Until the transaction's end. A cursor's query would be planned for its first rows only, and
    compiling a query takes longer than it saves."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('cursor_tuple_fraction', '1', true), set_config('jit', 'off', true),"
            " set_config('work_mem', %s, true)",
            [f"{WORK_MEMORY_MB}MB"],
        )


def _query(invariant: Invariant) -> str:
    return SQL.text("blame").replace(PLACE_OF_THE_INVARIANT, invariant.query)
