"""Things done to the outside world at most once: a charge, a refund, an e-mail.

    naive:  charge the card ─▶ save "charged"
            killed in between: the card is charged, nobody knows, and the retry charges again

Between the outside world and our database there is no common transaction. What there is: a row
that says what we are about to do, written before it, and an idempotency key that the provider
knows too.

    (nothing) ─intent─▶ intended ─call returned──▶ done
                           │  └────NotDone───────▶ failed ─intent─▶ intended …
                           └ any other end: *unknown*. The next try first asks `look_up` by the
                             same key: found ─▶ done; surely not there ─▶ call again, same key.

An intent is a lease too: while one try is under way another one waits (`Snooze`), so two workers
on the same job don't race. After `patience_s` without an outcome the first is taken for dead.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.utils import json

from tasks import tracing
from tasks.context import current_job
from tasks.errors import EffectMismatch, NotDone
from tasks.models import Effect
from tasks.outcomes import Snooze
from tasks.privacy import scrub
from tasks.stage import RehearsedEffect, Stage, on_stage

logger = logging.getLogger(__name__)

Result = dict[str, Any]

__all__ = ["EffectMismatch", "NotDone", "perform"]

# Longer than any one call may take, connection and read time-outs included.
PATIENCE_S = 60.0


def perform(
    *,
    key: str,
    kind: str,
    params: Mapping[str, Any],
    call: Callable[[], Result],
    look_up: Callable[[], Result | None],
    rehearse: Callable[[bool], Result | None] = lambda _: None,
    patience_s: float = PATIENCE_S,
) -> Result:
    """Do `call` unless it has been done for this key; return its (saved) JSON result.

    `params` is what the call depends on, as JSON: the same key with other parameters raises
    `EffectMismatch`. `look_up` answers the saved result of an earlier call with this key, or None
    if there surely was none. `call` raises `NotDone` when nothing happened for sure; whatever else
    it raises leaves the outcome unknown. All errors reach the caller. Raises `Snooze` while another
    try is under way, and `RuntimeError` inside a transaction, whose rollback would forget the call.

    `rehearse` answers what a dry run (`tasks.dry_run`) takes for the result, without a call, or
    None when nobody can tell, which ends the dry run. It is told whether the outcome of an earlier
    try is unknown, and may raise what `call` and `look_up` raise.
    """
    stage = on_stage()
    if _in_transaction(stage):
        raise RuntimeError("An effect inside a transaction: use it from a task with atomic=False.")
    effect, must_ask = _intend(key, kind, _fingerprint(params), patience_s)
    if stage:
        return _rehearse(stage, effect, params, must_ask, rehearse)
    if effect.state == Effect.State.DONE:
        return dict(effect.result or {})
    about = {"effect.key": key, "effect.kind": kind, "effect.tries": effect.tries}
    with tracing.span(kind, "client", about):
        return _settle(effect, must_ask, call, look_up)


def _in_transaction(stage: Stage | None) -> bool:
    """Whether the caller opened one. The one around a dry run is nobody's."""
    return len(transaction.get_connection().atomic_blocks) > (0 if stage is None else 1)


def _rehearse(
    stage: Stage,
    effect: Effect,
    params: Mapping[str, Any],
    must_ask: bool,
    rehearse: Callable[[bool], Result | None],
) -> Result:
    """The saved answer, or the one that is assumed; what is raised instead counts as in life."""
    is_done = effect.state == Effect.State.DONE
    answer: Result | None = None

    def call() -> Result:
        answer = rehearse(must_ask)
        if answer is None:
            stage.stop(f"It would ask about {effect.key} now; what follows depends on the answer.")
        return answer

    try:
        answer = (
            dict(effect.result or {})
            if is_done
            else _settle(effect, must_ask=False, call=call, look_up=lambda: None)
        )
        return answer
    finally:
        stage.effects.append(
            RehearsedEffect(
                key=effect.key,
                kind=effect.kind,
                params=params,
                is_done=is_done,
                is_doubtful=must_ask,
                answer=answer or {},
            )
        )


def _intend(key: str, kind: str, fingerprint: str, patience_s: float) -> tuple[Effect, bool]:
    """Commit the intent. Says whether an earlier one has an unknown outcome."""
    job, now = current_job(), timezone.now()
    job_id = job.id if job else None
    effect, created = Effect.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind,
            "fingerprint": fingerprint,
            "tries": 1,
            "job_id": job_id,
            "intended_at": now,
        },
    )
    if effect.fingerprint != fingerprint:
        raise EffectMismatch(f"The key {key!r} was used with other parameters.")
    if created or effect.state == Effect.State.DONE:
        return effect, False
    must_ask = effect.state == Effect.State.INTENDED
    # One of several tries takes the turn: whoever changes `tries` first. An unknown outcome may be
    # looked into when its try is surely over: it was this very job's, or it is too long ago.
    free = Q(state=Effect.State.FAILED) | Q(intended_at__lte=now - timedelta(seconds=patience_s))
    if job_id is not None:
        free |= Q(job_id=job_id)
    taken = Effect.objects.filter(free, key=key, tries=effect.tries).exclude(
        state=Effect.State.DONE
    )
    if not taken.update(
        state=Effect.State.INTENDED, tries=F("tries") + 1, job_id=job_id, intended_at=now
    ):
        raise Snooze(min(5.0, patience_s), f"Another try of {key!r} is under way.")
    effect.tries += 1
    return effect, must_ask


def _settle(
    effect: Effect,
    must_ask: bool,
    call: Callable[[], Result],
    look_up: Callable[[], Result | None],
) -> Result:
    try:
        result = look_up() if must_ask else None
        if result is None:
            result = call()
    except NotDone as error:
        _record(effect, state=Effect.State.FAILED, error=scrub(str(error)))
        raise
    except Exception as error:
        logger.warning("Outcome of %s is unknown: %r", effect.key, error)
        Effect.objects.filter(pk=effect.pk, tries=effect.tries).update(
            error=scrub(repr(error))[:2000]
        )
        raise
    _record(effect, state=Effect.State.DONE, result=result)
    return result


def _record(effect: Effect, **outcome: Any) -> None:
    """Done is final; a late failure of a superseded try doesn't undo it."""
    Effect.objects.filter(pk=effect.pk).exclude(state=Effect.State.DONE).update(
        settled_at=timezone.now(), **outcome
    )


def _fingerprint(params: Mapping[str, Any]) -> str:
    canonical = json.dumps(params, sort_keys=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
