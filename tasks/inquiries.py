"""Effects of which nobody knows the outcome, and asking what became of one.

Only the task that wanted an effect knows whom to ask and how, and its job does so by itself when it
runs again: by the same key, before anything else. So asking means that the job runs now. What it
learns it writes down as it always does, and goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tasks import audit_log, mailing, operations
from tasks.bulk import Deed
from tasks.effects import PATIENCE_S
from tasks.errors import CannotAsk
from tasks.models import RETRYABLE_STATES, Effect, Job, JobState


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """A job that was told to ask now."""

    key: str
    job_id: UUID


def unknown() -> QuerySet[Effect]:
    """Begun, without an outcome, and for longer than any call takes. Reads a partial index."""
    return Effect.objects.filter(state=Effect.State.INTENDED, intended_at__lte=_long_ago())


def is_unknown(effect: Effect) -> bool:
    """Whether it is one of those."""
    return effect.state == Effect.State.INTENDED and effect.intended_at <= _long_ago()


def ask(*, effect_id: int, actor: str, reason: str = "") -> Inquiry:
    """Have the effect's job ask now. Raises `CannotAsk`, which says why not and what to do."""
    effect = Effect.objects.get(pk=effect_id)
    if not is_unknown(effect):
        raise CannotAsk(f"The outcome of {effect.key} is {effect.state}: there is nothing to ask.")
    if effect.kind == mailing.KIND:
        raise CannotAsk(
            f"A mail server can't be asked: look in its log for {mailing.message_id(effect.key)}."
        )
    job = Job.objects.filter(pk=effect.job_id).first() if effect.job_id else None
    if job is None:
        raise CannotAsk(f"The job of {effect.key} is deleted: ask the provider by this key.")
    return _have_asked(effect, job, actor=actor, reason=reason)


def _have_asked(effect: Effect, job: Job, *, actor: str, reason: str) -> Inquiry:
    with transaction.atomic():
        deed = _deed(effect, job)
        if not operations.act(deed, job.pk, actor=actor, reason=f"ask about {effect.key}"):
            raise CannotAsk(f"The job of {effect.key} has just changed: look again.")
        audit_log.record(
            actor=actor,
            action="effect.ask",
            subject=f"effect:{effect.key}",
            reason=reason,
            details={"job": str(job.pk)},
        )
    return Inquiry(key=effect.key, job_id=job.pk)


def _deed(effect: Effect, job: Job) -> Deed:
    if job.state == JobState.SCHEDULED:
        return Deed.RUN_NOW
    if job.state in RETRYABLE_STATES:
        return Deed.RETRY
    if job.state == JobState.SUCCEEDED:
        raise CannotAsk(f"The job of {effect.key} has ended: ask the provider by this key.")
    raise CannotAsk(f"The job of {effect.key} is {job.state}: it asks by itself.")


def _long_ago() -> datetime:
    return timezone.now() - timedelta(seconds=PATIENCE_S)
