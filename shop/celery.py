"""The Celery app. Its `task_cls` is what makes every `@shared_task` a job of the ledger."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

app = Celery("shop", task_cls="tasks.task:JobTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery's Django fixup closes the database connection before and after every task, and opening one
# costs more than most jobs do. With this it leaves that to `tasks.execution`, which keeps the
# connection for CONN_MAX_AGE and replaces a broken one. The fixup reads this very name from the
# app's configuration; a Django setting can't give it.
app.conf["CELERY_DB_REUSE_MAX"] = 10**9
app.autodiscover_tasks()
app.set_default()
