"""What may be done to a queue: pause, resume, purge. Each asks on a page of its own first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from tasks import audit_log, queues
from tasks.console import confirmation
from tasks.console.confirmation import Question, ReasonForm
from tasks.console.overview import PERMISSION
from tasks.errors import NotConfirmed
from tasks.model_admin import ModelAdmin
from tasks.queues import QueueInfo

PAUSE, PURGE = "tasks.pause_queue", "tasks.purge_queue"
LIST = "admin:tasks_queues"


class PurgeForm(ReasonForm):
    """With the queue's name, which the service compares."""

    confirm = forms.CharField(label="Queue", max_length=80, strip=False, required=False)

    def __init__(self, *args: Any, queue: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["confirm"].help_text = f"Type {queue} to confirm."
        self.fields["confirm"].widget.attrs = {"autocomplete": "off", "autocapitalize": "none"}


def queue_deed_page(request: HttpRequest, deed: str, *, model_admin: ModelAdmin) -> HttpResponse:
    """GET asks, POST does it. `deed` is pause, resume or purge; `?queue=` says of which queue."""
    if deed not in DEEDS:
        raise Http404
    wanted = DEEDS[deed]
    if not (request.user.has_perm(PERMISSION) and request.user.has_perm(wanted.permission)):
        raise PermissionDenied
    name = request.GET.get("queue", "")
    info = next((each for each in queues.queues() if each.name == name), None)
    if info is None:
        raise Http404
    form = wanted.form(request, name)
    if request.method == "POST" and form.is_valid() and _did(request, wanted, form, name):
        return redirect(LIST)
    return confirmation.ask(request, wanted.question(info), form, model_admin=model_admin)


def _did(request: HttpRequest, deed: Deed, form: forms.Form, queue: str) -> bool:
    actor, said = audit_log.user(request.user), form.cleaned_data
    try:
        text = deed.do(queue, actor, said["reason"], said.get("confirm", ""))
    except NotConfirmed as error:
        form.add_error("confirm", str(error))
        return False
    messages.success(request, text)
    return True


def _pause(queue: str, actor: str, reason: str, _: str) -> str:
    happened = queues.pause(queue=queue, actor=actor, reason=reason)
    return f"{queue} is paused." if happened else f"{queue} was paused already."


def _resume(queue: str, actor: str, reason: str, _: str) -> str:
    happened = queues.resume(queue=queue, actor=actor, reason=reason)
    return f"{queue} goes on." if happened else f"{queue} was not paused."


def _purge(queue: str, actor: str, reason: str, confirm: str) -> str:
    gone = queues.purge(queue=queue, confirm=confirm, actor=actor, reason=reason)
    return f"{gone:,} jobs of {queue} are cancelled."


def _about_pausing(info: QueueInfo) -> Question:
    return Question(
        title=f"Pause {info.name}",
        facts=[("Waiting now", f"{info.waiting:,}"), ("Running now", f"{info.running:,}")],
        sentences=[
            "No more of its jobs start until somebody resumes it, whatever is restarted meanwhile.",
            "What comes for it is kept. What runs goes on to its end. It costs no job an attempt.",
        ],
        button="Pause the queue",
        back=reverse(LIST),
    )


def _about_resuming(info: QueueInfo) -> Question:
    pause = info.pause
    facts = [("Waiting now", f"{info.waiting:,}")]
    if pause:
        facts += [("Paused by", pause.by), ("Since", f"{pause.since:%d %b %H:%M} UTC")]
        facts += [("Why", pause.reason or "–")]
    return Question(
        title=f"Resume {info.name}",
        facts=facts,
        sentences=["Its jobs start again, those of the highest priority and the oldest first."],
        button="Resume the queue",
        back=reverse(LIST),
    )


def _about_purging(info: QueueInfo) -> Question:
    waiting = info.waiting + info.later
    return Question(
        title=f"Purge {info.name}",
        facts=[
            ("Due", f"{info.due:,}"),
            ("Queued", f"{info.queued:,}"),
            ("Later", f"{info.later:,}"),
        ],
        sentences=[
            f"Every job of {info.name} that has not started is cancelled: {waiting:,} by now.",
            "What they were for is not done. Cancelled jobs stay in the ledger and can be retried.",
            f"Running now, and going on: {info.running:,}.",
        ],
        button="Cancel these jobs",
        back=reverse(LIST),
        is_dangerous=True,
    )


def _reason_form(request: HttpRequest, queue: str) -> forms.Form:
    return ReasonForm(request.POST or None)


def _purge_form(request: HttpRequest, queue: str) -> forms.Form:
    return PurgeForm(request.POST or None, queue=queue)


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What may be done to a queue. `do` takes queue, actor, reason and confirmation."""

    permission: str
    form: Callable[[HttpRequest, str], forms.Form]
    question: Callable[[QueueInfo], Question]
    do: Callable[[str, str, str, str], str]


DEEDS = {
    "pause": Deed(permission=PAUSE, form=_reason_form, question=_about_pausing, do=_pause),
    "resume": Deed(permission=PAUSE, form=_reason_form, question=_about_resuming, do=_resume),
    "purge": Deed(permission=PURGE, form=_purge_form, question=_about_purging, do=_purge),
}


def address(deed: str, queue: str) -> str:
    """Of the page that asks whether to do this to the queue."""
    return f"{reverse('admin:tasks_queue_deed', args=[deed])}?{urlencode({'queue': queue})}"
