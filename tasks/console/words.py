"""The words of a search for jobs, as people type them and links carry them.

    task:orders.send_email state:dead,expired error:"timed out" since:2h

Everything that the console means by "these jobs" goes through such words, so a link that somebody
passes on means the same jobs to whoever opens it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from celery.app import app_or_default

from tasks.job_filter import JobFilter, moment
from tasks.models import JobState

NAMES = {
    "task": "task",
    "state": "states",
    "queue": "queue",
    "subject": "subject",
    "tag": "tag",
    "error": "error",
    "like": "error_group",
    "arg": "argument",
    "correlation": "correlation_id",
    "since": "since",
    "until": "until",
    "id": "ids",
}
"""What is written before the colon, and the field of `JobFilter` that it means."""

WORD = re.compile(r'(?:(?P<name>\w+):)?(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>\S+))', re.DOTALL)

PARAMETERS = {"q": "", "state__exact": "state", "queue": "queue", "task": "task", "since": "since"}
"""What an address of the list may say about which jobs are meant, and the word for it."""
PRESENTATION = {"p", "o", "all", "e", "_facets"}
"""What else it may say."""


def read(text: str) -> JobFilter:
    """The filter that the words mean. Raises ValueError with a sentence."""
    given: dict[str, Any] = {}
    for field, value in _fields(text):
        if field in ("ids", "error") and field in given:  # more ids, or more words of an error
            given[field] = given[field] + value if field == "ids" else f"{given[field]} {value}"
        elif field in given:
            raise ValueError(f"{_name(field)}: is given twice.")
        else:
            given[field] = value
    return JobFilter(**given)


def write(chosen: JobFilter) -> str:
    """Words that `read` takes for this filter; ages have become times."""
    return " ".join(
        f"{_name(field)}:{quote(each)}"
        for field, value in chosen.as_json().items()
        for each in _values(field, value)
    )


def told(chosen: JobFilter) -> list[tuple[str, str]]:
    """The filter as a table of two columns, for people."""
    names = {
        "states": "state",
        "error": "error contains",
        "error_group": "error like",
        "correlation_id": "correlation id",
        "since": "enqueued since",
        "until": "enqueued before",
        "ids": "one of",
    }
    return [
        (names.get(field, field), ", ".join(value) if isinstance(value, list) else str(value))
        for field, value in chosen.as_json().items()
    ]


def of_list(parameters: Mapping[str, str]) -> JobFilter:
    """The jobs that a list at this address shows. Raises ValueError if words can't say it."""
    unknown = set(parameters) - set(PARAMETERS) - PRESENTATION
    if unknown:
        raise ValueError(f"Words can't say {', '.join(sorted(unknown))}.")
    words = [parameters.get("q", "")]
    for parameter, name in PARAMETERS.items():
        if name and parameters.get(parameter):
            words.append(f"{name}:{quote(parameters[parameter])}")
    return read(" ".join(words))


def quote(value: str) -> str:
    """In quotation marks if it must be, so that it is one word."""
    if value and not re.search(r'[\s"\\]', value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _fields(text: str) -> Iterator[tuple[str, Any]]:
    for word in WORD.finditer(text):
        name, plain = word["name"] or "", word["plain"] or ""
        if plain.startswith('"'):
            raise ValueError(f"A quotation mark is missing in {word[0]}.")
        value = plain if word["quoted"] is None else re.sub(r"\\(.)", r"\1", word["quoted"])
        if name in NAMES:
            yield NAMES[name], _value(NAMES[name], value)
        elif name:
            yield "subject", f"{name}:{value}"  # order:42
        else:
            yield _guessed(value)


def _guessed(value: str) -> tuple[str, Any]:
    """A word without a name is a job's id, a task, or a part of an error."""
    if re.fullmatch(r"[0-9a-fA-F-]{32,36}", value):
        return "ids", _value("ids", value)
    return ("task" if value in app_or_default().tasks else "error"), value


def _value(field: str, text: str) -> Any:
    if field in ("since", "until"):
        return moment(text)
    if field == "ids":
        try:
            return (UUID(text),)
        except ValueError as error:
            raise ValueError(f"{text} is no job's id.") from error
    if field == "states":
        unknown = [each for each in text.split(",") if each not in JobState.values]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no state: {', '.join(JobState.values)}.")
        return tuple(JobState(each) for each in text.split(","))
    return text


def _values(field: str, value: Any) -> list[str]:
    if field == "ids":
        return list(value)
    return [",".join(value) if isinstance(value, list) else str(value)]


def _name(field: str) -> str:
    return next(name for name, meant in NAMES.items() if meant == field)
