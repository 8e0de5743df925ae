"""An order's records as one story: worded for support staff, in the order of time.

Pure: records in, entries out. Each entry says what happened, and which job or which person did it;
one that can't is marked as unexplained, and a test proves that no path of a checkout leaves one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID

from inventory.models import Reservation, StockMovement
from orders.models import OrderEvent
from orders.why import Records
from tasks.models import FINAL_STATES, Attempt, AuditEntry, Effect, Job, JobState

TASKS = {
    "orders.advance_checkout": "checkout",
    "orders.refund": "refund",
    "orders.send_email": "e-mail",
}
"""What support staff call the jobs."""

ERROR_CHARS = 240
NAMED = 5
"""So many products are named; a wholesale order has a thousand."""

RANKS = {"event": 0, "audit": 1, "stock": 2, "job": 3, "attempt": 4, "lock": 5, "effect": 6}
"""Of what happened at the same instant, the cause comes first."""

DEEDS = {
    "order.cancel": "cancelled the order",
    "order.refund": "asked for a refund",
    "order.resend_email": "asked for the e-mail again",
    "order.comment": "commented",
    "order.change_email": "changed the e-mail address",
    "job.retry": "had a job retried",
    "job.dry_run": "tried out what a job would do",
    "job.run_now": "had a job run at once",
    "job.cancel": "cancelled a job",
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the story. `subject` (`job:<uuid>`, `effect:9`, …) is what its link shows."""

    at: datetime
    kind: str
    """event, audit, stock, job, attempt, lock or effect."""

    title: str
    detail: str = ""
    by: str = ""
    """The person behind it, for people."""

    job_id: UUID | None = None
    """The job behind it."""

    subject: str = ""
    is_trouble: bool = False

    @property
    def is_explained(self) -> bool:
        """Whether it names a job or a person."""
        return bool(self.job_id or self.by)


def entries(records: Records) -> list[Entry]:
    """The whole story, oldest first."""
    found = [
        *_events(records),
        *_audit(records),
        *_reservations(records),
        *_movements(records),
        *_jobs(records),
        *_attempts(records),
        *_lock_waits(records),
        *_effects(records),
    ]
    return sorted(found, key=lambda entry: (entry.at, RANKS[entry.kind]))


def one_line(error: str) -> str:
    """An error without its line breaks, cut."""
    line = " ".join(error.split())
    return line if len(line) <= ERROR_CHARS else f"{line[:ERROR_CHARS]}…"


def job_name(job: Job) -> str:
    return TASKS.get(job.task, job.task)


def _person(records: Records, actor: str) -> str:
    if actor in ("customer", "guest"):
        return "the customer"
    if actor.startswith("job:"):  # a job that another one asked for names it by its parent
        return ""
    return records.people.get(actor, actor)


def _events(records: Records) -> Iterator[Entry]:
    for event in records.events:
        yield Entry(
            at=event.created_at,
            kind="event",
            title="Comment" if event.kind == "comment" else event.message,
            detail=event.message if event.kind == "comment" else "",
            by=_author(records, event),
            job_id=event.job_id,
            is_trouble=event.kind in ("failed", "email_unknown", "payment_refused"),
        )


def _author(records: Records, event: OrderEvent) -> str:
    # Orders placed before events named the customer.
    return _person(records, event.actor or ("customer" if event.kind == "placed" else ""))


def _audit(records: Records) -> Iterator[Entry]:
    for entry in records.audit:
        who = _person(records, entry.actor)
        yield Entry(
            at=entry.at,
            kind="audit",
            title=f"{who} {DEEDS.get(entry.action, f'did {entry.action}')}",
            detail=entry.reason,
            by=who,
            job_id=_job_of(entry),
            subject=f"audit:{entry.pk}",
        )


def _job_of(entry: AuditEntry) -> UUID | None:
    kind, _, key = entry.subject.partition(":")
    return UUID(key) if kind == "job" else None


def _reservations(records: Records) -> Iterator[Entry]:
    def asked(row: Reservation) -> datetime:
        return row.created_at

    for at, rows in groupby(sorted(records.reservations, key=asked), key=asked):
        goods = list(rows)
        held = [row for row in goods if row.state == Reservation.State.HELD]
        until = max((row.expires_at for row in held), default=None)
        yield Entry(
            at=at,
            kind="stock",
            title=f"Asked the shelves for {_goods(goods)}",
            detail=f"set aside until {until:%d %b %H:%M:%S} UTC" if until else "",
            by=_person(records, "customer"),
            subject=f"reservations:{records.order.reference}",
        )


def _movements(records: Records) -> Iterator[Entry]:
    def moved(row: StockMovement) -> tuple[datetime, str, str, str]:
        return row.created_at, row.kind, str(row.job_id or ""), row.actor

    for (at, kind, _, actor), rows in groupby(sorted(records.movements, key=moved), key=moved):
        goods = list(rows)
        titles = {"sold": "left the shelf", "returned": "came back to the shelf"}
        yield Entry(
            at=at,
            kind="stock",
            title=f"{_goods(goods)} {titles.get(kind, kind)}",
            by=_person(records, actor),
            job_id=goods[0].job_id,
            subject=f"movements:{records.order.reference}",
        )


def _goods(rows: list[Reservation] | list[StockMovement]) -> str:
    names = [f"{abs(row.quantity):,} × {row.stock.product.name}" for row in rows[:NAMED]]
    more = len(rows) - len(names)
    return ", ".join(names) + (f" and {more:,} other products" if more else "")


def _jobs(records: Records) -> Iterator[Entry]:
    names = {job.pk: job_name(job) for job in records.jobs}
    tried = Counter(attempt.job_id for attempt in records.attempts)
    for job in records.jobs:
        asked_by = names.get(job.parent_id) if job.parent_id else None
        yield Entry(
            at=job.created_at,
            kind="job",
            title=f"The {job_name(job)} job was asked for",
            detail=f"by the {asked_by} job" if asked_by else "",
            by=_person(records, job.enqueued_by),
            job_id=job.pk,
            subject=f"job:{job.pk}",
        )
        if job.state == JobState.RUNNING and job.started_at:
            yield Entry(
                at=job.started_at,
                kind="attempt",
                title=f"Attempt {job.attempt} of the {job_name(job)} job is running",
                detail=f"on {job.worker}",
                job_id=job.pk,
                subject=f"job:{job.pk}",
            )
        if job.state in FINAL_STATES and job.state != JobState.SUCCEEDED and job.finished_at:
            count = tried[job.pk]
            yield Entry(
                at=job.finished_at,
                kind="job",
                title=f"The {job_name(job)} job is {job.get_state_display()}",
                detail=f"after {count} attempt{'s' * (count != 1)}: {one_line(job.error)}"
                if job.error
                else "",
                job_id=job.pk,
                subject=f"job:{job.pk}",
                is_trouble=job.state == JobState.DEAD,
            )


def _attempts(records: Records) -> Iterator[Entry]:
    """Each where it began, so that what it did comes after it."""
    names = {job.pk: job_name(job) for job in records.jobs}
    for attempt in records.attempts:
        began = attempt.started_at or attempt.finished_at
        seconds = (attempt.finished_at - began).total_seconds()
        error = f": {one_line(attempt.error)}" if attempt.error else ""
        place = f" on {attempt.worker}" if attempt.worker else ""
        yield Entry(
            at=began,
            kind="attempt",
            title=f"Attempt {attempt.number} of the {names[attempt.job_id]} job: "
            f"{attempt.get_outcome_display()}",
            detail=f"ended {attempt.finished_at:%H:%M:%S}, after {seconds:.1f} s{place}{error}",
            job_id=attempt.job_id,
            subject=f"job:{attempt.job_id}",
            is_trouble=attempt.outcome in (Attempt.Outcome.DEAD, Attempt.Outcome.CRASHED),
        )


def _lock_waits(records: Records) -> Iterator[Entry]:
    """Each where it began. A key without a name is shown as it is."""
    products = {row.stock.product_id: row.stock.product.name for row in records.reservations}
    named = {f"stock:{product_id}": name for product_id, name in products.items()}
    for attempt in records.attempts:
        for wait in attempt.lock_waits or ():
            yield Entry(
                at=datetime.fromtimestamp(wait["began"], UTC),
                kind="lock",
                title=f"Waited {wait['s']:.1f} s for its turn"
                + ("" if wait["got"] else ", and gave up for now"),
                detail="at " + ", ".join(named.get(key, key) for key in wait["keys"][:NAMED]),
                job_id=attempt.job_id,
                subject=f"job:{attempt.job_id}",
            )


def _effects(records: Records) -> Iterator[Entry]:
    for effect in records.effects:
        what = effect_name(effect)
        tries = f"; {effect.tries} tries" if effect.tries > 1 else ""
        yield Entry(
            at=effect.created_at,
            kind="effect",
            title=f"Began: {what}",
            detail="" if effect.settled_at else f"no outcome on record yet{tries}",
            job_id=effect.job_id,
            subject=f"effect:{effect.pk}",
        )
        if effect.state == Effect.State.INTENDED:
            if effect.error:
                yield Entry(
                    at=effect.intended_at,
                    kind="effect",
                    title=f"The outcome is unknown: {what}",
                    detail=one_line(effect.error) + tries,
                    job_id=effect.job_id,
                    subject=f"effect:{effect.pk}",
                    is_trouble=True,
                )
        elif effect.settled_at:
            failed = effect.state == Effect.State.FAILED
            yield Entry(
                at=effect.settled_at,
                kind="effect",
                title=f"{'Surely not done' if failed else 'Done'}: {what}",
                detail=(one_line(effect.error) if failed else _answer(effect)) + tries,
                job_id=effect.job_id,
                subject=f"effect:{effect.pk}",
                is_trouble=failed,
            )


def effect_name(effect: Effect) -> str:
    """`order:42:email:refund:<job>` is an e-mail sent again."""
    if effect.kind == "email":
        parts = effect.key.split(":")
        return f"sending the {parts[3]} e-mail" + (" again" if len(parts) > 4 else "")
    return {"charge": "taking the money", "refund": "giving the money back"}.get(
        effect.kind, effect.kind
    )


def _answer(effect: Effect) -> str:
    """What the provider or the mail server said, without what is for programs."""
    result = effect.result or {}
    told = [result.get(name) for name in ("state", "message", "reference", "message_id")]
    return ", ".join(str(each) for each in told if each)
