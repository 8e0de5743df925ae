"""Dead jobs by what killed them, and what to do about all that are alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tasks.bulk import Deed
from tasks.console.bulk_page import bulk_address, list_address
from tasks.console.deeds import Offer, allowed
from tasks.console.wording import duration
from tasks.dead import DeadGroup, dead_groups
from tasks.model_admin import ModelAdmin
from tasks.models import Job, JobState

SHOWN = 100


@dataclass(frozen=True, kw_only=True)
class Row:
    group: DeadGroup
    last: str
    first: str
    """How long ago."""
    list_link: str
    deeds: list[tuple[Offer, str]]
    """What this person may do to all of them, and where."""


@require_safe
def dead_page(request: HttpRequest, *, model_admin: ModelAdmin) -> HttpResponse:
    if not request.user.has_perm("tasks.view_job"):
        raise PermissionDenied
    groups = dead_groups(limit=SHOWN + 1)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Dead jobs",
        "opts": model_admin.opts,
        "rows": [_row(request, group, timezone.now()) for group in groups[:SHOWN]],
        "has_more": len(groups) > SHOWN,
        "dead": Job.objects.filter(state=JobState.DEAD).count(),
    }
    return render(request, "tasks/admin/dead.html", context)


def _row(request: HttpRequest, group: DeadGroup, now: datetime) -> Row:
    offers = [
        offer
        for offer in allowed(request)
        # Without an error's text there is no filter for just these.
        if offer.deed in (Deed.RETRY, Deed.DISCARD) and group.error
    ]
    return Row(
        group=group,
        last=duration((now - group.last_seen).total_seconds()),
        first=duration((now - group.first_seen).total_seconds()),
        list_link=list_address(group.filter),
        deeds=[(offer, bulk_address(group.filter, offer.deed)) for offer in offers],
    )
