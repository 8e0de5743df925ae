"""Which jobs somebody means: for lists, counts and deeds on all of them.

A filter is built from named fields only, never from a user's dictionary, so nobody can ask about
columns or relations that aren't here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, F, Func, JSONField, Q, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.lookups import Exact
from django.utils import timezone
from kombu.utils import json

from tasks.models import Job, JobState

# What differs between two errors of one kind, most specific first, and what stands for it.
VARYING = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>"),
    (r"\m0x[0-9a-f]+\M", "<id>"),
    (r"\m(?=\w*[0-9])(?=\w*[a-z])\w{10,}\M", "<id>"),  # pi_3MtwBwLkdIwHu7ix, hashes
    (r"[0-9]+([.,][0-9]+)*", "<n>"),
)
GROUP_CHARS = 300


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Jobs that meet every field that is set. Times are aware datetimes."""

    task: str = ""
    states: tuple[JobState, ...] = ()
    queue: str = ""
    subject: str = ""
    tag: str = ""
    error: str = ""
    """A part of the error's text, in any case."""
    error_group: str = ""
    """The whole error with numbers and ids taken out, as `tasks.dead` shows it."""
    argument: str = ""
    """A value anywhere in the arguments, whole: `42` finds 42 and "42", not 420."""
    since: datetime | None = None
    """Enqueued at or after it."""
    until: datetime | None = None
    """Enqueued before it."""
    correlation_id: str = ""
    ids: tuple[UUID, ...] = ()

    def jobs(self) -> QuerySet[Job]:
        """In no order. Only `tag`, `subject`, `ids`, the times and live or dead `states` have an
        index."""
        return self.narrow(Job.objects.all())

    def narrow(self, jobs: QuerySet[Job]) -> QuerySet[Job]:
        """Those of `jobs` that are meant."""
        found = jobs.filter(**self._plain())
        if self.tag:
            found = found.filter(tags__contains=[self.tag])
        if self.error_group:
            found = found.filter(_same_group(self.error_group))
        if self.argument:
            found = found.filter(_has_argument(self.argument))
        return found

    @property
    def is_empty(self) -> bool:
        """Whether it means every job there is."""
        return self == JobFilter()

    def as_json(self) -> dict[str, Any]:
        """Only what is set; `from_json` reads it."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _plainly(value) for name, value in chosen.items() if value}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> JobFilter:
        """Raises ValueError or TypeError for what `as_json` didn't write."""
        given = dict(stored)
        given["states"] = tuple(JobState(state) for state in given.get("states", ()))
        given["ids"] = tuple(UUID(each) for each in given.get("ids", ()))
        for name in ("since", "until"):
            given[name] = datetime.fromisoformat(given[name]) if given.get(name) else None
        return cls(**given)

    def __str__(self) -> str:
        """`task=orders.send_email states=dead`, or `all`."""
        words = [f"{name}={_word(value)}" for name, value in self.as_json().items()]
        return " ".join(words) or "all"

    def _plain(self) -> dict[str, Any]:
        wanted: dict[str, Any] = {
            "task": self.task,
            "state__in": list(self.states),
            "queue": self.queue,
            "subject": self.subject,
            "error__icontains": self.error,
            "correlation_id": self.correlation_id,
            "created_at__gte": self.since,
            "created_at__lt": self.until,
            "id__in": list(self.ids),
        }
        return {lookup: value for lookup, value in wanted.items() if value}


def error_group() -> Combinable:
    """An expression: the first line of a job's error without numbers and ids."""
    first_line: Combinable = Func(F("error"), Value("\n"), Value(1), function="split_part")
    for pattern, instead in VARYING:
        first_line = Func(
            *(first_line, Value(pattern), Value(instead), Value("gi")), function="regexp_replace"
        )
    return Func(first_line, Value(GROUP_CHARS), function="left", output_field=TextField())


def moment(text: str) -> datetime:
    """A time that a person typed: ISO, or an age such as `30m`, `2h`, `7d`.

    Raises ValueError with a sentence.
    """
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if text[-1:] in units and text[:-1].isdigit():
        return timezone.now() - timedelta(seconds=int(text[:-1]) * units[text[-1]])
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no time: give 30m, 2h, 7d or 2026-01-31T12:00.") from error
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _same_group(text: str) -> Q:
    return Q(Exact(error_group(), Value(text, output_field=TextField())))


def _has_argument(text: str) -> Q:
    """Every depth of both columns is searched for the value as text and as what it says in JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    sought = Value({"value": value, "text": text}, output_field=JSONField())
    path = Value("$.** ? (@ == $value || @ == $text)")
    found = [
        Q(_Exists(F(column), _Path(path), sought, output_field=BooleanField()))
        for column in ("args", "kwargs")
    ]
    return found[0] | found[1]


class _Exists(Func):
    function = "jsonb_path_exists"
    arity = 3


class _Path(Func):
    template = "%(expressions)s::jsonpath"


def _plainly(value: Any) -> Any:
    if isinstance(value, tuple):
        return [str(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _word(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
