"""Log lines that say which job, attempt and request they belong to, also as JSON.

What an error quotes of personal data is taken out of both forms (`tasks.privacy`).

    LOGGING = {
        "filters": {"jobs": {"()": "tasks.log_lines.JobFields"}},
        "formatters": {
            "line": {"()": "tasks.log_lines.PlainLines", "fmt": "%(asctime)s:%(job)s %(message)s"},
            "json": {"()": "tasks.log_lines.JsonLines"},
        },
        "handlers": {"console": {…, "filters": ["jobs"], "formatter": "json"}},
    }

A job's correlation id is that of the request that enqueued it, or the job before it, so one search
finds an order's whole way through webs and workers.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from tasks.context import current_caller, current_job
from tasks.privacy import scrub

FIELDS = ("job_id", "task", "attempt", "subject", "correlation_id")


class JobFields(logging.Filter):
    """Adds `FIELDS` to each record, empty where there is no job, and `job`, all of them as text."""

    def filter(self, record: logging.LogRecord) -> bool:
        fields = _fields() or _of_celery(record)
        for name in FIELDS:
            setattr(record, name, fields.get(name, ""))
        record.job = "".join(f" {name}={value}" for name, value in fields.items() if value)
        return True


class PlainLines(logging.Formatter):
    """Lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a line. A value that JSON doesn't know is written as text.

    `extra={"details": {…}}` of a call adds to the object.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": scrub(record.getMessage()),
            **getattr(record, "details", {}),
        }
        line.update({name: value for name in FIELDS if (value := getattr(record, name, ""))})
        if record.exc_info:
            line["error"] = scrub(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def _fields() -> dict[str, Any]:
    if job := current_job():
        return {
            "job_id": str(job.id),
            "task": job.task,
            "attempt": job.attempt,
            "subject": job.subject,
            "correlation_id": job.correlation_id,
        }
    caller = current_caller()
    return {"correlation_id": caller.correlation_id} if caller.correlation_id else {}


def _of_celery(record: logging.LogRecord) -> dict[str, Any]:
    """Celery's own lines about a job (received, succeeded, raised) come before and after it."""
    told = getattr(record, "data", None)
    if not isinstance(told, dict) or "id" not in told:
        return {}
    return {"job_id": str(told["id"]), "task": str(told.get("name", ""))}
