"""The ledger: every job, every attempt to run it, and every effect on the outside world.

PostgreSQL is the truth about jobs. A message in RabbitMQ is only a doorbell; losing it, or ringing
it twice, changes nothing here. `tasks.jobs` is the only module that writes `Job.state`.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now
from kombu.utils.json import JSONEncoder, object_hook


def new_job_id() -> uuid.UUID:
    """A time-ordered UUID (version 7, RFC 9562), so that new rows share index pages."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & ((1 << 48) - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


class JobState(models.TextChoices):
    SCHEDULED = "scheduled", "scheduled"
    QUEUED = "queued", "queued"
    RUNNING = "running", "running"
    SUCCEEDED = "succeeded", "succeeded"
    DEAD = "dead", "dead"
    CANCELLED = "cancelled", "cancelled"
    EXPIRED = "expired", "expired"
    DISCARDED = "discarded", "discarded"


LIVE_STATES = (JobState.SCHEDULED, JobState.QUEUED, JobState.RUNNING)
FINAL_STATES = (
    JobState.SUCCEEDED,
    JobState.DEAD,
    JobState.CANCELLED,
    JobState.EXPIRED,
    JobState.DISCARDED,
)

RETRYABLE_STATES = (
    JobState.DEAD,
    JobState.CANCELLED,
    JobState.EXPIRED,
    JobState.DISCARDED,
)
"""What a person may start again."""


class ArgumentDecoder(json.JSONDecoder):
    """Reads what kombu's encoder writes: UUIDs, dates and decimals come back as themselves."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"object_hook": object_hook, **options})


class Job(models.Model):
    """One recorded run of a task, from the transaction that asked for it to its end.

    scheduled ─▶ queued ─▶ running ─▶ succeeded
        ▲                     │ ├───▶ dead (permanent error, attempts or crashes used up)
        └──── retry, snooze ──┘ └───▶ cancelled
    Whatever has not started may also end as cancelled or expired. A dead job that needs nobody is
    discarded by a person.
    """

    id = models.UUIDField(primary_key=True, default=new_job_id, editable=False)
    task = models.CharField(max_length=200)
    queue = models.CharField(max_length=80)
    args = models.JSONField(default=list, encoder=JSONEncoder, decoder=ArgumentDecoder)
    kwargs = models.JSONField(default=dict, encoder=JSONEncoder, decoder=ArgumentDecoder)
    state = models.CharField(max_length=10, choices=JobState.choices, db_default=JobState.SCHEDULED)
    priority = models.SmallIntegerField(db_default=0, help_text="0 to 9; a higher one goes first.")
    run_at = models.DateTimeField(db_default=Now(), help_text="Not before this time.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Not started after it.")
    held = models.BooleanField(
        db_default=False, help_text="Set aside by the dispatcher while its queue is paused."
    )

    attempt = models.PositiveIntegerField(
        db_default=0, help_text="Number of the newest claim. Only its holder may finish the job."
    )
    failures = models.PositiveIntegerField(
        db_default=0, help_text="Attempts that ended in an error."
    )
    crashes = models.PositiveIntegerField(
        db_default=0, help_text="Attempts that ended without a word, as a killed worker's do."
    )

    # Null, not empty, for jobs without one: the partial indexes below leave those out.
    unique_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    slot = models.CharField(  # noqa: DJ001
        max_length=250, null=True, blank=True, help_text="Schedule and due time."
    )
    subject = models.CharField(
        max_length=80, blank=True, db_default="", help_text="What it is about: order:42."
    )
    tags = ArrayField(models.CharField(max_length=40), blank=True, db_default=Value("{}"))
    correlation_id = models.CharField(max_length=80, blank=True, db_default="")
    enqueued_by = models.CharField(max_length=80, blank=True, db_default="")
    parent_id = models.UUIDField(null=True, blank=True, help_text="The job that enqueued it.")
    traceparent = models.CharField(  # noqa: DJ001
        max_length=55, null=True, blank=True, help_text="W3C trace context of whoever enqueued it."
    )
    options = models.JSONField(
        null=True,
        blank=True,
        help_text="Celery options: chain, link, link_error, time limits.",
    )

    progress_done = models.PositiveBigIntegerField(null=True, blank=True)
    progress_total = models.PositiveBigIntegerField(null=True, blank=True)
    progress_note = models.CharField(max_length=200, blank=True, db_default="")

    worker = models.CharField(max_length=120, blank=True, db_default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(db_default=False)

    result = models.JSONField(null=True, blank=True, encoder=JSONEncoder, decoder=ArgumentDecoder)
    error = models.TextField(blank=True, db_default="")
    traceback = models.TextField(blank=True, db_default="")

    created_at = models.DateTimeField(db_default=Now())
    queued_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["unique_key"],
                condition=Q(state__in=LIVE_STATES, unique_key__isnull=False),
                name="tasks_job_unique_while_live",
            ),
            models.UniqueConstraint(
                fields=["slot"], condition=Q(slot__isnull=False), name="tasks_job_slot_once"
            ),
        ]
        # Each partial index holds only the rows one question is asked about, so that
        # a long history costs the hot path nothing.
        indexes = [
            models.Index(
                fields=["priority", "run_at"],
                condition=Q(state=JobState.SCHEDULED, held=False),
                name="tasks_job_due",
            ),
            models.Index(
                fields=["queue"],
                condition=Q(state=JobState.SCHEDULED, held=True),
                name="tasks_job_held",
            ),
            models.Index(
                fields=["task", "finished_at"],
                condition=Q(state=JobState.DEAD),
                name="tasks_job_dead",
            ),
            models.Index(
                fields=["queue", "queued_at"],
                condition=Q(state=JobState.QUEUED),
                name="tasks_job_queued",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state=JobState.RUNNING),
                name="tasks_job_leases",
            ),
            BrinIndex(fields=["finished_at"], name="tasks_job_finished"),
            # For the console: searches by time, and what a job enqueued while it lived.
            BrinIndex(
                fields=["created_at"],
                name="tasks_job_created",
                autosummarize=True,
                pages_per_range=32,
            ),
            models.Index(fields=["subject"], condition=~Q(subject=""), name="tasks_job_subject"),
            GinIndex(fields=["tags"], condition=~Q(tags=[]), name="tasks_job_tags"),
        ]
        permissions = [
            ("retry_job", "Can retry a job"),
            ("run_job_now", "Can run a job now"),
            ("cancel_job", "Can cancel a job"),
            ("discard_job", "Can discard a dead job"),
            ("reprioritise_job", "Can change a job's priority"),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.id} ({self.state})"


class Attempt(models.Model):
    """One attempt to run a job that has ended, one way or another."""

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded", "succeeded"
        RETRY = "retry", "to be retried"
        SNOOZED = "snoozed", "snoozed"
        DEAD = "dead", "dead"
        CANCELLED = "cancelled", "cancelled"
        CRASHED = "crashed", "crashed"

    id = models.BigAutoField(primary_key=True)
    # Written together with its job's own row and deleted with it by one statement each, so the
    # database need not check the key again at every commit; the unique constraint is its index.
    job = models.ForeignKey(
        Job,
        on_delete=models.CASCADE,
        related_name="attempts",
        db_constraint=False,
        db_index=False,
    )
    number = models.PositiveIntegerField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    worker = models.CharField(max_length=120, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField()
    error = models.TextField(blank=True)
    traceback = models.TextField(blank=True)
    # [{"keys": ["stock:7"], "began": 1767225600.5, "s": 0.8, "got": true}], times in seconds since
    # 1970; null when it waited for none, as most do.
    lock_waits = models.JSONField(null=True, blank=True, help_text="Waits for locks worth a word.")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="tasks_attempt_once")]
        # Small enough for the hot path: the roll-up reads only the newest attempts.
        indexes = [
            BrinIndex(
                fields=["finished_at"],
                name="tasks_attempt_finished",
                autosummarize=True,
                pages_per_range=16,
            )
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.job_id}: {self.outcome}"


class Effect(models.Model):
    """Something done to the outside world, at most once for its key.

    intended ─▶ done
        │  └──▶ failed (surely did not happen; may be tried again)
        └─────▶ an attempt that died here leaves it intended: its outcome is *unknown* and the
                provider is asked by the same key before anything is tried again.
    """

    class State(models.TextChoices):
        INTENDED = "intended", "intended"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    key = models.CharField(
        max_length=200, unique=True, help_text="Idempotency key: order:42:charge"
    )
    kind = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=State.choices, default=State.INTENDED)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the call's parameters.")
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    tries = models.PositiveIntegerField(default=0)
    job_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    intended_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["intended_at"], condition=Q(state="intended"), name="tasks_effect_open"
            ),
            models.Index(
                fields=["job_id"], condition=Q(job_id__isnull=False), name="tasks_effect_job"
            ),
        ]
        permissions = [("ask_effect", "Can have a provider asked about an effect")]

    def __str__(self) -> str:
        return f"{self.key} ({self.state})"


class PausedQueue(models.Model):
    """A queue whose jobs nobody starts until an operator resumes it. Most of the time: no rows."""

    queue = models.CharField(max_length=80, primary_key=True)
    paused_at = models.DateTimeField(db_default=Now())
    paused_by = models.CharField(max_length=120)
    reason = models.TextField(blank=True, db_default="")

    class Meta:
        default_permissions = ["view"]
        permissions = [
            ("pause_queue", "Can pause and resume a queue"),
            ("purge_queue", "Can cancel all waiting jobs of a queue"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} is paused"


class ScheduleMark(models.Model):
    """Since when a schedule has been as it is; see `tasks.slots`."""

    schedule_id = models.BigIntegerField(primary_key=True)
    counts_since = models.DateTimeField()

    class Meta:
        default_permissions = ["view"]

    def __str__(self) -> str:
        return f"schedule {self.schedule_id} since {self.counts_since}"


class Worker(models.Model):
    """A Celery worker, as it tells of itself every few seconds; see `tasks.presence`."""

    name = models.CharField(
        max_length=120, primary_key=True, help_text="Celery's node name, new at each start."
    )
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    queues = ArrayField(models.CharField(max_length=80))
    pool = models.CharField(max_length=40)
    concurrency = models.PositiveIntegerField()
    prefetch = models.PositiveIntegerField(help_text="Messages that it may hold; 0: no limit.")
    memory_bytes = models.BigIntegerField(null=True, help_text="Of the main process.")
    pool_memory_bytes = models.BigIntegerField(null=True, help_text="Of the pool's processes.")
    jobs_done = models.BigIntegerField(help_text="Attempts that it began and ended.")
    stopping = models.BooleanField()
    stop_asked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="Its last word; none if it vanished.")

    class Meta:
        default_permissions = ["view"]
        permissions = [("stop_worker", "Can stop a worker")]

    def __str__(self) -> str:
        return self.name


class JobStatistic(models.Model):
    """What jobs of one task in one queue did in a minute or hour; see `tasks.statistics`."""

    class Unit(models.TextChoices):
        MINUTE = "minute", "minute"
        HOUR = "hour", "hour"
        EVER = "ever", "everything that was pruned"

    id = models.BigAutoField(primary_key=True)
    unit = models.CharField(max_length=6, choices=Unit.choices)
    start = models.DateTimeField()
    queue = models.CharField(max_length=80)
    task = models.CharField(max_length=200)
    succeeded = models.BigIntegerField()
    retried = models.BigIntegerField(help_text="Attempts that failed and will be tried again.")
    dead = models.BigIntegerField(help_text="Attempts that ended their job in an error.")
    crashed = models.BigIntegerField(help_text="Attempts that ended without a word.")
    snoozed = models.BigIntegerField()
    cancelled = models.BigIntegerField()
    run_s = models.FloatField(help_text="Sum of the run times of all attempts, in seconds.")
    wait_s = models.FloatField(help_text="Sum of the waits before attempts that succeeded.")
    run_buckets = models.JSONField(help_text="How many run times fell into which bucket.")
    wait_buckets = models.JSONField(help_text="From being due to the start of what succeeded.")

    class Meta:
        default_permissions = ["view"]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "start", "queue", "task"], name="tasks_statistic_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.task} in the {self.unit} of {self.start}"


class QueueSample(models.Model):
    """How long a queue was at one minute."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    queue = models.CharField(max_length=80)
    waiting = models.BigIntegerField(help_text="Due or queued.")
    running = models.BigIntegerField()
    oldest_s = models.FloatField(help_text="For how long the oldest waiting job has been due.")

    class Meta:
        default_permissions = ["view"]
        constraints = [
            models.UniqueConstraint(fields=["at", "queue"], name="tasks_queue_sample_once")
        ]

    def __str__(self) -> str:
        return f"{self.queue} at {self.at}: {self.waiting}"


class AuditEntry(models.Model):
    """One thing a person did, written by `tasks.audit_log`. A trigger refuses changes and deletion.

    It has no foreign keys, so that it outlives the account and whatever it is about.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now(), editable=False)
    actor = models.CharField(max_length=120, help_text="user:3, or manage.py:alice.")
    action = models.CharField(max_length=60, help_text="lock.release")
    # A lock's key alone may have 1,024 characters.
    subject = models.CharField(max_length=1100, help_text="lock:stock:1")
    reason = models.TextField(blank=True, db_default="")
    details = models.JSONField(blank=True, default=dict)

    class Meta:
        default_permissions = ["view"]
        verbose_name_plural = "audit log"
        indexes = [
            models.Index(fields=["subject", "at"], name="tasks_audit_subject"),
            models.Index(fields=["at"], name="tasks_audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.subject}"


class NoRows(models.Manager["Lock"]):
    """Asks no database, so that `dumpdata` and the like find nothing instead of failing."""

    def get_queryset(self) -> models.QuerySet[Lock]:
        return super().get_queryset().none()


class Lock(models.Model):
    """No table: locks live in Redis. It gives them permissions and a place in the admin."""

    objects = NoRows()

    class Meta:
        managed = False
        default_permissions = ["view"]
        permissions = [("release_lock", "Can release a lock by force")]

    def __str__(self) -> str:
        return "locks"
