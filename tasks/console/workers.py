"""The workers, what each runs now, and asking one to stop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from tasks import audit_log, workers
from tasks.console import confirmation
from tasks.console.confirmation import Question, ReasonForm
from tasks.console.wording import duration
from tasks.errors import UnknownWorker
from tasks.model_admin import ModelAdmin
from tasks.models import Worker
from tasks.workers import RunningJob, WorkerInfo

PERMISSION, STOP = "tasks.view_worker", "tasks.stop_worker"
LIST = "admin:tasks_workers"


@dataclass(frozen=True, kw_only=True)
class JobLine:
    """A job that runs now. Its link is empty for people who may not see jobs."""

    job: RunningJob
    link: str
    age: str
    lease: str


@dataclass(frozen=True, kw_only=True)
class Line:
    name: str
    state: str
    tone: str
    """good, warn, bad or nothing."""
    row: Worker | None
    is_here: bool
    up: str
    memory: str
    """Of the main process."""
    pool_memory: str
    running: list[JobLine]
    stop_url: str


@require_safe
def workers_page(request: HttpRequest, *, model_admin: ModelAdmin) -> HttpResponse:
    """Only with the permission to see workers."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    lines = [_line(request, each) for each in workers.workers()]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Workers",
        "lines": lines,
        "anybody_here": any(line.is_here for line in lines),
        "running": [(line.name, each) for line in lines for each in line.running],
        "looked_at": timezone.now(),
    }
    return render(request, "tasks/admin/workers.html", context)


def stop_worker_page(request: HttpRequest, *, model_admin: ModelAdmin) -> HttpResponse:
    """GET asks, POST tells the worker. `?worker=` says which."""
    if not (request.user.has_perm(PERMISSION) and request.user.has_perm(STOP)):
        raise PermissionDenied
    name = request.GET.get("worker", "")
    try:
        info = workers.worker(name)
    except UnknownWorker as error:
        raise Http404(str(error)) from error
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        _stop(request, name, form.cleaned_data["reason"])
        return redirect(LIST)
    return confirmation.ask(request, _question(info), form, model_admin=model_admin)


def _stop(request: HttpRequest, name: str, reason: str) -> None:
    if workers.stop(worker=name, actor=audit_log.user(request.user), reason=reason):
        messages.success(request, f"{name} is asked to stop; it hears it within seconds.")
    else:
        messages.warning(request, f"Nothing was done: {name} was asked already, or is gone.")


def _question(info: WorkerInfo) -> Question:
    return Question(
        title="Stop a worker",
        facts=[
            ("Worker", info.name),
            ("Queues", ", ".join(info.row.queues) if info.row else "–"),
            ("Jobs running now", f"{len(info.running)}"),
        ],
        sentences=[
            "It takes no more jobs. Those that run may end within the time of a soft shutdown.",
            "What is left then goes back to its queue, and counts as no failure.",
            "A supervisor, as the one of ./run, starts another in its place: it is a restart.",
            "If nothing shall start, pause the queues instead.",
        ],
        button="Stop the worker",
        back=reverse(LIST),
        is_dangerous=True,
    )


def _line(request: HttpRequest, info: WorkerInfo) -> Line:
    state, tone = _state(info)
    may_stop = info.may_be_stopped and request.user.has_perm(STOP)
    return Line(
        name=info.name,
        state=state,
        tone=tone,
        row=info.row,
        is_here=info.is_here,
        up=_ago(info.row.started_at) if info.row else "",
        memory=_size(info.row.memory_bytes if info.row else None) or "–",
        pool_memory=_size(info.row.pool_memory_bytes if info.row else None),
        running=list(_job_lines(request, info.running)),
        stop_url=f"{reverse('admin:tasks_worker_stop')}?{urlencode({'worker': info.name})}"
        if may_stop
        else "",
    )


def _state(info: WorkerInfo) -> tuple[str, str]:
    """In a word, and its tone."""
    if info.row is None:
        return "never heard of", "warn"
    if info.row.ended_at:
        return "ended", "bad"  # shown only for the jobs that it left
    if not info.is_here:
        return f"gone for {_ago(info.row.seen_at)}", "bad"
    if info.row.stopping:
        return "stopping", "warn"
    if info.row.stop_asked_at:
        return "asked to stop", "warn"
    return ("at work", "good") if info.running else ("idle", "")


def _job_lines(request: HttpRequest, running: Iterable[RunningJob]) -> Iterable[JobLine]:
    visible = request.user.has_perm("tasks.view_job")
    for job in running:
        left_s = (job.lease_until - timezone.now()).total_seconds() if job.lease_until else 0.0
        yield JobLine(
            job=job,
            link=reverse("admin:tasks_job_change", args=[job.id]) if visible else "",
            age=_ago(job.started_at) if job.started_at else "–",
            lease=f"lapsed {duration(-left_s)} ago" if job.has_lapsed else duration(left_s),
        )


def _ago(when: datetime) -> str:
    return duration(max((timezone.now() - when).total_seconds(), 0.0))


def _size(count: int | None) -> str:
    return filesizeformat(count) if count else ""
