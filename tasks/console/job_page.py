"""The page of one job: how it stands, what can be done, its attempts and its whole story."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from tasks import audit_log, operations
from tasks.bulk import Deed
from tasks.conf import conf
from tasks.console import words
from tasks.console.bulk_page import REASON_CHARS
from tasks.console.deeds import offer_named, offered, tone
from tasks.console.standing import standing
from tasks.console.subjects import page_of
from tasks.console.timeline import OUTCOMES, Records, timeline
from tasks.console.wording import duration
from tasks.job_filter import JobFilter
from tasks.model_admin import ModelAdmin
from tasks.models import LIVE_STATES, Attempt, AuditEntry, Effect, Job, PausedQueue

SHOWN = 50
"""Of attempts, children and entries; a person reads no more."""
AFTER_END = timedelta(minutes=1)
"""What a job enqueues is written while it lives, by clocks that may differ a little."""


class DeedForm(forms.Form):
    deed = forms.ChoiceField(choices=[(each.value, each.value) for each in Deed])
    reason = forms.CharField(max_length=REASON_CHARS)
    priority = forms.IntegerField(required=False, min_value=0, max_value=9)

    def clean(self) -> None:
        given = self.cleaned_data
        if given.get("deed") == Deed.REPRIORITISE and given.get("priority") is None:
            self.add_error("priority", "Give a priority from 0 to 9.")


def job_page(request: HttpRequest, job: Job, *, model_admin: ModelAdmin) -> HttpResponse:
    """For whoever may see jobs, which the caller has checked."""
    records = records_of(job)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": job.task,
        "opts": model_admin.opts,
        "job": job,
        "is_live": job.state in LIVE_STATES,
        "tone": tone(job.state),
        "standing": standing(
            job, now=timezone.now(), pause=PausedQueue.objects.filter(pk=job.queue).first()
        ),
        "offers": offered(request, job),
        "priorities": range(10),
        "reason_chars": REASON_CHARS,
        "attempts": [_attempt(each) for each in reversed(records.attempts)],
        "older": max(job.attempt - len(records.attempts) - (job.state == "running"), 0),
        "moments": timeline(records),
        "arguments": _pretty(job.args, job.kwargs),
        "result": _json(job.result) if job.result is not None else "",
        "facts": _facts(job),
        "links": _links(job),
        "flower": flower_link(job),
        "subject_page": page_of(job.subject, request.user.get_all_permissions()),
    }
    return render(request, "tasks/admin/job.html", context)


@require_POST
def act_page(request: HttpRequest, job_id: UUID, *, model_admin: ModelAdmin) -> HttpResponse:
    """One deed on this job, with its permission asked for; back to its page."""
    offer = offer_named(request.POST.get("deed", ""))
    if not request.user.has_perm("tasks.view_job") or (
        offer and not request.user.has_perm(offer.permission)
    ):
        raise PermissionDenied
    form = DeedForm(request.POST)
    if offer is None or not form.is_valid():
        messages.error(request, "Nothing was done: say what to do and why, a priority from 0 to 9.")
    elif operations.act(
        offer.deed,
        job_id,
        actor=audit_log.user(request.user),
        reason=form.cleaned_data["reason"],
        priority=form.cleaned_data["priority"],
    ):
        messages.success(request, f"{offer.label}: done.")
    else:
        messages.warning(
            request,
            f"{offer.label}: nothing was done. The job is in another state by now, or another one "
            "with its unique key is under way.",
        )
    return HttpResponseRedirect(reverse("admin:tasks_job_change", args=[job_id]))


def records_of(job: Job) -> Records:
    """The job's attempts, children, effects and audit entries; of each the newest or first ones."""
    newest = list(job.attempts.order_by("-number")[:SHOWN])
    return Records(
        job=job,
        attempts=newest[::-1],
        children=list(_children(job)[:SHOWN]),
        effects=list(Effect.objects.filter(job_id=job.pk).order_by("pk")[:SHOWN]),
        audits=list(_audits(job)[:SHOWN]),
    )


def _children(job: Job) -> Any:
    """By the time too, which has an index; a parent's id has none."""
    found = Job.objects.filter(parent_id=job.pk, created_at__gte=job.created_at)
    if job.state not in LIVE_STATES and job.finished_at:
        found = found.filter(created_at__lte=job.finished_at + AFTER_END)
    return found.only("id", "task", "state", "created_at").order_by("created_at")


def _audits(job: Job) -> Any:
    """Deeds on this job alone, and the batches of deeds on many that it was among."""
    among = Q(subject__startswith="jobs:", details__jobs__contains=[str(job.pk)])
    return AuditEntry.objects.filter(
        Q(subject=f"job:{job.pk}") | among, at__gte=job.created_at
    ).order_by("at")


def _attempt(attempt: Attempt) -> dict[str, Any]:
    text, colour = OUTCOMES[Attempt.Outcome(attempt.outcome)]
    began = attempt.started_at
    took = (attempt.finished_at - began).total_seconds() if began else None
    return {"row": attempt, "outcome": text, "tone": colour, "took": duration(took)}


def _facts(job: Job) -> list[tuple[str, Any]]:
    facts = [
        ("Queue", f"{job.queue}, priority {job.priority}"),
        ("Tags", ", ".join(job.tags)),
        ("Unique key", job.unique_key),
        ("Slot", job.slot),
        ("Expires", job.expires_at),
        ("Attempts", f"{job.attempt} begun, {job.failures} failed, {job.crashes} crashed"),
        ("Worker", job.worker),
    ]
    return [(name, value) for name, value in facts if value]


def _links(job: Job) -> list[tuple[str, str, str]]:
    """Name, text and address of what else there is about it."""
    links = []
    if job.correlation_id:
        q = words.write(JobFilter(correlation_id=job.correlation_id))
        jobs = f"{reverse('admin:tasks_job_changelist')}?{urlencode({'q': q})}"
        links.append(("Correlation id", job.correlation_id, jobs))
    if job.parent_id:
        parent = reverse("admin:tasks_job_change", args=[job.parent_id])
        links.append(("Enqueued by job", str(job.parent_id), parent))
    return links


def _pretty(args: list[Any], kwargs: dict[str, Any]) -> str:
    shown = {"args": args, "kwargs": kwargs}
    given = {name: value for name, value in shown.items() if value}
    return _json(given) if given else ""


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def flower_link(job: Job) -> str:
    """The job in Flower, if the project says where that is."""
    base = conf().flower_url.rstrip("/")
    return f"{base}/task/{job.pk}" if base else ""
