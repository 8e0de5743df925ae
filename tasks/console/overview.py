"""How the jobs do: throughput, failures, latency and queues, over an hour, a day or a week."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tasks import statistics
from tasks.console.bars import HEIGHT, WIDTH, bars_of
from tasks.console.wording import duration, percent
from tasks.model_admin import ModelAdmin
from tasks.queues import QueueInfo, queues
from tasks.statistics import Numbers, Window

PERMISSION = "tasks.view_job"
LATE_S = 60.0
"""A job that has waited so long is shown as late; alert rules are in docs/observability."""

STEPS = {Window.HOUR: "minute", Window.DAY: "quarter of an hour", Window.WEEK: "hour"}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of the head of the page; `tone` is good, warn, bad or nothing."""

    name: str
    value: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row: a queue or a task, and what its attempts did in the window."""

    name: str
    ended: int
    failed: int
    failure_rate: str
    is_troubled: bool
    wait_p50: str
    wait_p99: str
    run_p50: str
    run_p99: str
    info: QueueInfo | None = None
    """Of a queue, how it is now."""
    oldest: str = ""
    is_late: bool = False


@require_safe
def overview_page(request: HttpRequest, *, model_admin: ModelAdmin) -> HttpResponse:
    """Only with the permission to see jobs."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    around = {**model_admin.admin_site.each_context(request), "title": "How the jobs do"}
    return render(request, "tasks/admin/overview.html", around | overview(request))


def overview(request: HttpRequest) -> dict[str, Any]:
    """What `tasks/admin/overview_parts.html` shows, of the window that `?window=` names."""
    window = _window(request.GET.get("window", ""))
    now = queues()
    by_task = statistics.by_task(window)
    every = statistics.total(each.numbers for each in by_task)
    return {
        "window": window.value,
        "windows": [each.value for each in Window],
        "figures": [*_figures(every, window.length), *_standing(now)],
        "latencies": _latencies(every),
        "bars": bars_of(statistics.over_time(window)),
        "bars_width": WIDTH,
        "bars_height": HEIGHT,
        "step": STEPS[window],
        "queue_lines": _queue_lines(now, statistics.summed_by_queue(by_task)),
        "task_lines": [_line(each.task, each.numbers) for each in by_task],
    }


def _window(wanted: str) -> Window:
    return next((each for each in Window if each.value == wanted), Window.HOUR)


def _figures(every: Numbers, length: timedelta) -> Iterable[Figure]:
    minutes = length.total_seconds() / 60
    yield Figure(name="succeeded", value=f"{every.succeeded:,}")
    yield Figure(name="a minute", value=f"{every.succeeded / minutes:,.1f}")
    yield Figure(
        name="of attempts failed",
        value=percent(every.failure_rate),
        tone="warn" if every.failed else "good",
    )


def _standing(now: list[QueueInfo]) -> Iterable[Figure]:
    waiting, dead = sum(each.waiting for each in now), sum(each.dead for each in now)
    oldest = max((each.oldest_s or 0.0 for each in now), default=0.0)
    yield Figure(name="running now", value=f"{sum(each.running for each in now):,}")
    yield Figure(name="waiting now", value=f"{waiting:,}")
    yield Figure(
        name="oldest of them",
        value=duration(oldest) if waiting else "–",
        tone="bad" if oldest > LATE_S else "",
    )
    yield Figure(name="dead", value=f"{dead:,}", tone="bad" if dead else "good")


def _latencies(every: Numbers) -> list[Figure]:
    return [
        Figure(name="median wait", value=duration(every.wait_p50_s)),
        Figure(name="99 % waited less", value=duration(every.wait_p99_s)),
        Figure(name="median run", value=duration(every.run_p50_s)),
        Figure(name="99 % ran less", value=duration(every.run_p99_s)),
    ]


def _queue_lines(now: list[QueueInfo], did: dict[str, Numbers]) -> list[Line]:
    nothing = statistics.total([])
    return [_line(each.name, did.get(each.name, nothing), info=each) for each in now]


def _line(name: str, did: Numbers, *, info: QueueInfo | None = None) -> Line:
    oldest_s = info.oldest_s if info else None
    return Line(
        name=name,
        ended=did.succeeded + did.failed,
        failed=did.failed,
        failure_rate=percent(did.failure_rate),
        is_troubled=bool(did.dead),
        wait_p50=duration(did.wait_p50_s),
        wait_p99=duration(did.wait_p99_s),
        run_p50=duration(did.run_p50_s),
        run_p99=duration(did.run_p99_s),
        info=info,
        oldest=duration(oldest_s),
        is_late=oldest_s is not None and oldest_s > LATE_S,
    )
