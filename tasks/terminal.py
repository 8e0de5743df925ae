"""Tables for the terminal, by rich; `manage.py jobs` and `queues` print them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import IO, Any, cast

from django.core.management.base import OutputWrapper
from django.utils import timezone
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from tasks.dead import DeadGroup
from tasks.dry_run import DryRun
from tasks.models import Attempt, Job
from tasks.queues import QueueInfo
from tasks.statistics import Numbers

PAGE_CHARS = 100
"""Width of a table in a file or pipe, which has none of its own."""

COLOURS = {
    "dead": "red",
    "running": "cyan",
    "succeeded": "green",
    "cancelled": "dim",
    "expired": "dim",
    "discarded": "dim",
}


def console(out: OutputWrapper) -> Console:
    found = Console(file=cast(IO[str], out), highlight=False, emoji=False)
    if not found.is_terminal:
        found.width = PAGE_CHARS
    return found


def as_json(value: object) -> str:
    """What commands print for `--json`: times in ISO form, ids as text."""
    return json.dumps(value, indent=2, default=_plain, ensure_ascii=False)


def job_record(job: Job) -> dict[str, Any]:
    """Every column of a job."""
    return {field.attname: getattr(job, field.attname) for field in Job._meta.concrete_fields}


def attempt_record(attempt: Attempt) -> dict[str, Any]:
    return {
        field.attname: getattr(attempt, field.attname)
        for field in Attempt._meta.concrete_fields
        if field.attname not in {"id", "job_id"}
    }


def jobs_table(jobs: Iterable[Job]) -> Table:
    table = _table(("id", "left"), ("state", "left"), ("age", "right"), ("task", "left"))
    table.columns[0].no_wrap = True
    for job in jobs:
        table.add_row(
            str(job.id), _state(job), duration(timezone.now() - job.created_at), _what(job)
        )
    return table


def job_page(job: Job, attempts: Iterable[Attempt]) -> Group:
    """All about one job that helps a person; `--json` has every column."""
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(job):
        if value not in {"", "None", "[]", "{}"}:
            facts.add_row(name, Text(value))
    parts: list[RenderableType] = [facts]
    tries = _table(
        ("attempt", "right"), ("outcome", "left"), ("took", "right"), ("worker and error", "left")
    )
    for each in attempts:
        took = each.finished_at - each.started_at if each.started_at else None
        said = f"{each.worker}\n{each.error}".strip()
        tries.add_row(str(each.number), each.outcome, duration(took), Text(said))
    if tries.row_count:
        parts += ["", tries]
    if job.traceback:
        parts += ["", Text(job.traceback, style="dim")]
    return Group(*parts)


def dry_run_page(found: DryRun) -> Group:
    """What a dry run found; nothing of it has happened."""
    parts: list[RenderableType] = [Text(found.sentence, style="bold")]
    if found.error:
        parts.append(Text(found.error))
    parts += [Text(note, style="yellow") for note in found.notes]
    rows = _table(("row", "left"), ("", "left"), ("before", "left"), ("after", "left"))
    for each in found.rows:
        names = {**each.before, **each.after}
        before = "\n".join(f"{name}: {each.before.get(name, '')}" for name in names)
        after = "\n".join(f"{name}: {each.after.get(name, '')}" for name in names)
        rows.add_row(Text(f"{each.table} {each.key}"), each.kind, Text(before), Text(after))
    if rows.row_count:
        parts += ["", rows]
    for effect in found.effects:
        known = "known: " if effect.is_done else "would ask: "
        parts.append(Text(f"{known}{effect.key} {as_json(effect.params)}"))
    parts += [Text(f"would enqueue: {job.task} {job.subject} ({job.queue})") for job in found.jobs]
    for mail in found.mails:
        parts += ["", Text(f"To: {', '.join(mail.to)}\nSubject: {mail.subject}\n\n{mail.text}")]
    return Group(*parts)


def dead_table(groups: Iterable[DeadGroup]) -> Table:
    table = _table(("jobs", "right"), ("last", "right"), ("first", "right"), ("what", "left"))
    now = timezone.now()
    for each in groups:
        what = Text(f"{each.task}\n{each.error}\n")
        what.append(f"for example {each.example}", style="dim")
        last, first = now - each.last_seen, now - each.first_seen
        table.add_row(str(each.count), duration(last), duration(first), what)
    return table


def queues_table(queues: Iterable[QueueInfo]) -> Table:
    table = _table(
        ("queue", "left"),
        *((name, "right") for name in ("due", "queued", "running", "later", "dead", "oldest")),
        ("paused", "left"),
    )
    for each in queues:
        pause = each.pause
        paused = f"{pause.by}, {duration(timezone.now() - pause.since)}" if pause else ""
        table.add_row(
            each.name,
            *(str(n) for n in (each.due, each.queued, each.running, each.later)),
            Text(str(each.dead), style="red" if each.dead else ""),
            seconds(each.oldest_s),
            Text(f"{paused}\n{pause.reason}".strip() if pause else "", style="yellow"),
        )
    return table


def numbers_table(rows: Iterable[tuple[str, Numbers]]) -> Table:
    table = _table(
        ("", "left"),
        *((name, "right") for name in ("done", "failed", "dead", "wait", "p99", "run", "p99")),
    )
    for name, each in rows:
        table.add_row(
            name,
            str(each.succeeded),
            Text(str(each.failed), style="yellow" if each.failed else ""),
            Text(str(each.dead), style="red" if each.dead else ""),
            seconds(each.wait_p50_s),
            seconds(each.wait_p99_s),
            seconds(each.run_p50_s),
            seconds(each.run_p99_s),
        )
    return table


def duration(span: Any) -> str:
    """`3 s`, `12 m`, `5 h`, `9 d`; nothing for None."""
    return "" if span is None else seconds(span.total_seconds())


def seconds(value: float | None) -> str:
    if value is None:
        return ""
    if value < 1:
        return f"{max(value, 0) * 1000:.0f} ms"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if value >= 2 * size:
            return f"{value / size:.0f} {unit}"
    return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in columns:
        table.add_column(name, justify=cast(Any, justify), overflow="fold")
    return table


def _state(job: Job) -> Text:
    held = job.held and job.state == "scheduled"
    return Text("paused" if held else job.state, style=COLOURS.get(job.state, ""))


def _what(job: Job) -> Text:
    found = Text(f"{job.task} {job.subject}".strip())
    if job.progress_done is not None and job.state == "running":
        found.append(f"\n{job.progress_done} of {job.progress_total or '?'} {job.progress_note}")
    if job.error:
        first = job.error.splitlines()[0]
        found.append("\n" + (first if len(first) <= 66 else first[:65] + "…"), style="dim")
    return found


def _facts(job: Job) -> list[tuple[str, str]]:
    limit = f" of {job.progress_total}" if job.progress_total is not None else ""
    return [
        ("id", str(job.id)),
        ("task", job.task),
        ("state", "scheduled, its queue is paused" if job.held else job.state),
        ("subject", job.subject),
        ("args", json.dumps(job.args, default=_plain, ensure_ascii=False)),
        ("kwargs", json.dumps(job.kwargs, default=_plain, ensure_ascii=False)),
        ("tags", ", ".join(job.tags)),
        ("queue", f"{job.queue}, priority {job.priority}"),
        ("progress", f"{job.progress_done}{limit}" if job.progress_done is not None else ""),
        ("note", job.progress_note),
        ("counts", f"{job.attempt} attempts, {job.failures} failures, {job.crashes} crashes"),
        ("enqueued", f"{_when(job.created_at)} {job.enqueued_by}".strip()),
        ("due", _when(job.run_at)),
        ("started", _when(job.started_at)),
        ("ended", _when(job.finished_at)),
        ("worker", job.worker),
        ("parent", str(job.parent_id)),
        ("correlation", job.correlation_id),
        ("unique key", str(job.unique_key)),
        ("result", json.dumps(job.result, default=_plain) if job.result is not None else ""),
        ("error", job.error),
    ]


def _when(moment: datetime | None) -> str:
    return moment.isoformat(" ", "seconds") if moment else ""


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
