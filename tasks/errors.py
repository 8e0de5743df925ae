"""Errors of the job platform."""

from __future__ import annotations


class JobError(Exception):
    """Base of the platform's errors."""


class BadArguments(JobError, TypeError):
    """The arguments can't be stored: not JSON, too large, or with NaN or NUL in them.

    Raised at the call, before anything is written. Pass ids and short values.
    """


class NotSupported(JobError):
    """A Celery feature that can't keep the ledger's promises, such as a chord.

    Raised at the call. The message says what to use instead.
    """


class Superseded(JobError):
    """Another attempt has taken the job over; whatever this one did is rolled back.

    Let it pass through the task's body.
    """


class JobDied(JobError):
    """Tells Celery that a job is dead when its own error would upset the worker.

    Only Celery sees it; the ledger has the error itself.
    """


class EffectMismatch(JobError):
    """An effect's key was used before with other parameters.

    A programming error: a key must name one call. The job is dead at once.
    """


class NotDone(JobError):
    """Raise it from an effect's call when the outside world surely did nothing.

    The effect is then *failed*, not unknown, and may be tried again without asking first.
    """


class Unrehearsable(BaseException):
    """A dry run can't go on: what follows depends on an answer from outside, or it takes too long.

    The sentence is for the person who asked for it. Not an `Exception`: a task that handles every
    failure would go on as if it were one.
    """


class NothingToRehearse(JobError):
    """A dry run is for a job that ended without success, and whose task is known here."""


class BrokerUnavailable(JobError):
    """RabbitMQ can't be reached or didn't confirm in time. Jobs wait in the ledger."""


class MailUnknown(JobError):
    """A worker died, or the mail server went silent, in the moment an e-mail was handed over.

    Nobody can tell whether it left. It is not sent again by itself; a person decides.
    """


class MailRefused(NotDone):
    """The mail server will never take this e-mail, as for an address that doesn't exist.

    The job is dead. Correct the address and retry the job.
    """


class UnknownQueue(JobError):
    """No such queue is declared and no job is in it. The message names those that there are."""


class UnknownWorker(JobError):
    """No such worker is here, and none of that name has a running job."""


class CannotAsk(JobError):
    """Nobody can be asked about the effect now. The message says why, and what to do instead."""


class NotConfirmed(JobError):
    """A deed that can't be undone was asked for without its confirmation. Nothing was done."""
