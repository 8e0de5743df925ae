"""The queues as the ledger has them now."""

from __future__ import annotations

from dataclasses import dataclass

from amqp.exceptions import AMQPError
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tasks import queues
from tasks.console.overview import LATE_S, PERMISSION
from tasks.console.queue_deeds import DEEDS, address
from tasks.console.wording import duration
from tasks.doctor.broker import MessageCount, message_counts
from tasks.model_admin import ModelAdmin
from tasks.queues import QueueInfo


@dataclass(frozen=True, kw_only=True)
class Line:
    """One queue's row."""

    info: QueueInfo
    oldest: str
    is_late: bool
    deeds: list[tuple[str, str]]
    """What this person may do to it: a word and where it leads."""
    held: MessageCount | None = None


@require_safe
def queues_page(request: HttpRequest, *, model_admin: ModelAdmin) -> HttpResponse:
    """Only with the permission to see jobs. `?broker` asks RabbitMQ too, which may fail."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    found = queues.queues()
    asked, problem = "broker" in request.GET, ""
    held: dict[str, MessageCount] = {}
    if asked:
        try:
            held = message_counts([each.name for each in found])
        except (AMQPError, OSError) as error:
            problem = str(error)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Queues",
        "lines": [_line(request, each, held.get(each.name)) for each in found],
        "asked": asked,
        "problem": problem,
        "looked_at": timezone.now(),
    }
    return render(request, "tasks/admin/queues.html", context)


def _line(request: HttpRequest, info: QueueInfo, held: MessageCount | None) -> Line:
    return Line(
        info=info,
        oldest=duration(info.oldest_s),
        is_late=info.oldest_s is not None and info.oldest_s > LATE_S,
        deeds=[
            (f"{deed.capitalize()}…", address(deed, info.name))
            for deed in ("resume" if info.pause else "pause", "purge")
            if request.user.has_perm(DEEDS[deed].permission)
        ],
        held=held,
    )
