"""Boot checks: `manage.py check` refuses settings under which jobs could get lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from celery import Celery
from celery.app import app_or_default
from celery.exceptions import QueueNotFound
from django.apps import AppConfig, apps
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils.module_loading import autodiscover_modules

from tasks.conf import conf
from tasks.locks.conf import conf as locks_conf
from tasks.task import JobTask

# RabbitMQ closes the channel of a consumer that holds a message for longer, in seconds.
# https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout
CONSUMER_TIMEOUT_S = 30 * 60

FALLBACK_APP = "default"
"""The name of the app that Celery makes up when the project has none."""


@register("jobs")
def check_jobs(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    app = app_or_default()
    autodiscover_modules("tasks")  # not by Celery's loader, which runs these very checks
    return [
        *_check_own_settings(),
        *_check_database(),
        *_check_apps(),
        *(_no_app() if app.main == FALLBACK_APP else _check_celery(app)),
    ]


def _no_app() -> Iterator[CheckMessage]:
    yield Error(
        "Make a Celery app and import it in the __init__.py beside your settings: the one that"
        " Celery makes up knows none of them.",
        id="jobs.E015",
    )


def _check_celery(app: Celery) -> list[CheckMessage]:
    return [
        *_check_delivery(app),
        *_check_serializers(app),
        *_check_time_limits(app),
        *_check_queues(app),
        *_check_tasks(app),
    ]


def _check_own_settings() -> Iterator[CheckMessage]:
    for read in (conf, locks_conf):
        try:
            read()
        except ImproperlyConfigured as error:
            yield Error(str(error), id="jobs.E001")


def _check_database() -> Iterator[CheckMessage]:
    if connection.vendor != "postgresql":
        yield Error(
            "Set DATABASES to a PostgreSQL: the ledger locks and counts rows as only it does.",
            id="jobs.E012",
        )


def _check_apps() -> Iterator[CheckMessage]:
    names = [each.name for each in apps.get_app_configs()]
    needed = {"django.contrib.postgres": "the ledger's columns and indexes are its own"}
    if "django.contrib.admin" in names:
        needed["django.contrib.humanize"] = "pages of the admin show numbers by it"
        if "unfold" not in names[: names.index("django.contrib.admin")]:
            yield Error(
                'Put "unfold" into INSTALLED_APPS before "django.contrib.admin": it replaces some'
                " of the admin's templates.",
                id="jobs.E014",
            )
    for name, reason in needed.items():
        if name not in names:
            yield Error(f'Add "{name}" to INSTALLED_APPS: {reason}.', id="jobs.E013")


def _check_delivery(app: Celery) -> Iterator[CheckMessage]:
    for option, reason in {
        "task_acks_late": "else a killed worker's jobs wait for their lease",
        "task_reject_on_worker_lost": "else a killed child's message is acknowledged",
        "task_ignore_result": "the ledger keeps results",
        "worker_cancel_long_running_tasks_on_connection_loss": "else such a job runs twice at once",
    }.items():
        if not app.conf[option]:
            yield Error(f"Set CELERY_{option.upper()} = True: {reason}.", id="jobs.E002")
    if app.conf.task_always_eager:
        yield checks.Warning(
            "CELERY_TASK_ALWAYS_EAGER runs tasks without the ledger.", id="jobs.W001"
        )
    options = app.conf.broker_transport_options
    for name in ("read_timeout", "write_timeout"):
        if not options.get(name):
            yield Error(
                f"Set {name} (seconds) in CELERY_BROKER_TRANSPORT_OPTIONS: under its memory alarm"
                " RabbitMQ blocks a publisher for ever.",
                id="jobs.E003",
            )


def _check_serializers(app: Celery) -> Iterator[CheckMessage]:
    if set(app.conf.accept_content) != {"json"} or app.conf.task_serializer != "json":
        yield Error(
            'Set CELERY_ACCEPT_CONTENT = ["json"] and CELERY_TASK_SERIALIZER = "json": other'
            " serializers can run code that a message brings along.",
            id="jobs.E004",
        )


def _check_time_limits(app: Celery) -> Iterator[CheckMessage]:
    hard, soft = app.conf.task_time_limit, app.conf.task_soft_time_limit
    if not hard or hard >= CONSUMER_TIMEOUT_S:
        yield Error(
            f"Set CELERY_TASK_TIME_LIMIT under RabbitMQ's consumer_timeout of {CONSUMER_TIMEOUT_S}"
            " s: at that age RabbitMQ takes the message away and the worker stops.",
            id="jobs.E005",
        )
    if hard and soft and soft >= hard:
        yield Error("CELERY_TASK_SOFT_TIME_LIMIT must be under the hard one.", id="jobs.E006")


def _check_queues(app: Celery) -> Iterator[CheckMessage]:
    if app.conf.task_create_missing_queues:
        yield Error(
            "Set CELERY_TASK_CREATE_MISSING_QUEUES = False: else a typo in a queue's name makes a"
            " queue that nobody reads.",
            id="jobs.E007",
        )
    for name, queue in app.amqp.queues.items():
        arguments = queue.queue_arguments or {}
        if arguments.get("x-queue-type") != "quorum" or "x-dead-letter-exchange" not in arguments:
            yield Error(
                f"Declare the queue {name!r} with tasks.topology.job_queue: it must be a quorum"
                " queue with a dead-letter exchange.",
                id="jobs.E008",
            )


def _check_tasks(app: Celery) -> Iterator[CheckMessage]:
    for name, task in sorted(app.tasks.items()):
        if name.startswith("celery."):
            continue
        if not isinstance(task, JobTask):
            yield Error(
                f"The task {name} is no JobTask: make the app with"
                ' Celery(task_cls="tasks.task:JobTask") and don\'t override `base`.',
                id="jobs.E009",
            )
            continue
        if name == f"{task.run.__module__}.{task.run.__name__}":
            yield checks.Warning(
                f"Name the task {name} explicitly (name=…): moving the function would orphan"
                " its jobs.",
                id="jobs.W002",
            )
        yield from _check_route(app, name)
        if not task.acks_late or not task.reject_on_worker_lost:
            yield Error(f"The task {name} switches late acknowledgement off.", id="jobs.E010")


def _check_route(app: Celery, name: str) -> Iterator[CheckMessage]:
    try:
        app.amqp.router.route({}, name, (), {})
    except QueueNotFound as error:
        yield Error(
            f"The task {name} is routed to a queue that isn't declared: {error}", id="jobs.E011"
        )
