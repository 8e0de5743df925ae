"""Celery's settings as jobs need them: `from tasks.celery_settings import *` in Django settings.

What stands below that line wins, and `manage.py check` refuses what would lose jobs. The project
adds its broker (`CELERY_BROKER_URL`), its queues (`CELERY_TASK_QUEUES`, `CELERY_TASK_ROUTES`) and
whatever else it schedules. Every option:
https://docs.celeryq.dev/en/stable/userguide/configuration.html
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from celery.schedules import crontab

__all__ = [
    "CELERY_ACCEPT_CONTENT",
    "CELERY_BEAT_MAX_LOOP_INTERVAL",
    "CELERY_BEAT_SCHEDULE",
    "CELERY_BEAT_SCHEDULER",
    "CELERY_BEAT_SYNC_EVERY",
    "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP",
    "CELERY_BROKER_TRANSPORT_OPTIONS",
    "CELERY_ENABLE_UTC",
    "CELERY_RESULT_SERIALIZER",
    "CELERY_TASK_ACKS_LATE",
    "CELERY_TASK_CREATE_MISSING_QUEUES",
    "CELERY_TASK_DEFAULT_QUEUE",
    "CELERY_TASK_IGNORE_RESULT",
    "CELERY_TASK_REJECT_ON_WORKER_LOST",
    "CELERY_TASK_SEND_SENT_EVENT",
    "CELERY_TASK_SERIALIZER",
    "CELERY_TASK_SOFT_TIME_LIMIT",
    "CELERY_TASK_TIME_LIMIT",
    "CELERY_TASK_TRACK_STARTED",
    "CELERY_TIMEZONE",
    "CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS",
    "CELERY_WORKER_CONSUMER",
    "CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE",
    "CELERY_WORKER_PREFETCH_MULTIPLIER",
    "CELERY_WORKER_SEND_TASK_EVENTS",
    "CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT",
]

CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True  # a worker may start before its broker
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "confirm_publish": True,  # without confirms a lost publish looks like success
    # Under RabbitMQ's memory alarm a publish blocks for ever unless the socket has limits.
    "read_timeout": 10,
    "write_timeout": 10,
}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_CREATE_MISSING_QUEUES = False  # a typo in a queue's name fails at the call
CELERY_TASK_ACKS_LATE = True  # a message is done when its job is
CELERY_TASK_REJECT_ON_WORKER_LOST = True  # a killed child gives its message back
CELERY_TASK_TIME_LIMIT = 15 * 60  # s; under RabbitMQ's consumer_timeout of 30 min
CELERY_TASK_SOFT_TIME_LIMIT = 14 * 60  # s; leaves a minute to clean up
CELERY_TASK_IGNORE_RESULT = True  # results are in the ledger
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TRACK_STARTED = False  # the ledger tracks
CELERY_TASK_SEND_SENT_EVENT = False  # the ledger knows
CELERY_WORKER_SEND_TASK_EVENTS = True  # Flower shows them
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True  # its message is someone else's
# Seconds that running jobs get when a worker is asked to stop; then it gives them back.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30.0
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 4  # short jobs; a queue of long ones is started with 1
CELERY_WORKER_CONSUMER = "tasks.worker:JobConsumer"  # keeps undecodable messages visible
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"  # no daylight saving: no skipped or doubled hour
CELERY_BEAT_SCHEDULER = "tasks.schedules:LedgerScheduler"
CELERY_BEAT_SYNC_EVERY = 1  # save last_run_at after each run: a killed beat forgets nothing
CELERY_BEAT_MAX_LOOP_INTERVAL = 5  # s; how soon an edited schedule counts
# Written to the database when their name is new; from then on the admin's word counts.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "Delete old jobs": {"task": "jobs.prune", "schedule": crontab(minute=15)},
    "Count what jobs did": {"task": "jobs.roll_up", "schedule": timedelta(minutes=1)},
}
