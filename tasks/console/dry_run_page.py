"""The page that tries an ended job out: asked for by POST, and nothing of it stays."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from tasks import audit_log
from tasks.console.wording import duration
from tasks.dry_run import DryRun, Ending, dry_run
from tasks.errors import NothingToRehearse
from tasks.model_admin import ModelAdmin
from tasks.models import RETRYABLE_STATES, Job
from tasks.row_changes import RowChange

PERMISSION = "tasks.retry_job"

TONES = {
    Ending.SUCCEEDED: "good",
    Ending.RETRIED: "warn",
    Ending.SNOOZED: "warn",
    Ending.UNKNOWN: "warn",
    Ending.DEAD: "trouble",
    Ending.CANCELLED: "trouble",
}


def dry_run_page(request: HttpRequest, job_id: UUID, *, model_admin: ModelAdmin) -> HttpResponse:
    """GET tells what it does, POST does it and shows what it found.

    For whoever may see jobs and retry them: it shows what they would do.
    """
    if not (request.user.has_perms(["tasks.view_job", PERMISSION])):
        raise PermissionDenied
    job = get_object_or_404(Job, pk=job_id)
    shown, problem = None, ""
    if request.method == "POST":
        try:
            shown = _shown(dry_run(job_id, actor=audit_log.user(request.user)))
        except NothingToRehearse as error:
            problem = str(error)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Dry run of {job.task}",
        "opts": model_admin.opts,
        "job": job,
        "may_run": job.state in RETRYABLE_STATES,
        "problem": problem,
        **(shown or {}),
    }
    status = 409 if problem else 200
    return render(request, "tasks/admin/dry_run.html", context, status=status)


def _shown(found: DryRun) -> dict[str, Any]:
    return {
        "found": found,
        "tone": TONES[found.ending],
        "took": duration(found.took_s),
        "rows": [_row(row) for row in found.rows],
    }


def _row(row: RowChange) -> dict[str, Any]:
    """Of a new row what is set, of a changed one what is another now."""
    names = sorted({*row.before, *row.after})
    values = [(name, row.before.get(name), row.after.get(name)) for name in names]
    told = [each for each in values if any(value not in (None, "", [], {}) for value in each[1:])]
    return {"name": f"{row.table} {row.key}", "kind": row.kind, "values": told}
