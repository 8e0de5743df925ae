"""The admin's "Why?" page of an order: what happened to it, who did it, and what can be done now.

GET shows; every deed is a POST to the same address, with its own permission asked for again by
`orders.deeds`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode

from orders import deeds
from orders.deeds import REASON_CHARS, Deed
from orders.entries import Entry, entries, job_name
from orders.models import Order, Payment
from orders.refunds import OWED
from orders.standing import retryable, standing
from orders.states import ENDED, UNPAID
from orders.why import Records, records_of
from tasks.model_admin import ModelAdmin

PAGES = {
    "job": ("tasks.view_job", "admin:tasks_job_change"),
    "effect": ("tasks.view_effect", "admin:tasks_effect_change"),
    "audit": ("tasks.view_auditentry", "admin:tasks_auditentry_change"),
}
LISTS = {
    "movements": ("inventory.view_stockmovement", "admin:inventory_stockmovement_changelist"),
    "reservations": ("inventory.view_reservation", "admin:inventory_reservation_changelist"),
}

DEEDS: dict[str, tuple[Deed, str]] = {
    "cancel": (deeds.CANCEL, "The order was cancelled."),
    "refund": (deeds.REFUND, "The money will be given back."),
    "resend": (deeds.RESEND, "The e-mail will be sent again."),
    "comment": (deeds.COMMENT, "The comment was added."),
}
NEED_WORDS = ("cancel", "refund", "comment")
RETRY = "retry"


class DeedForm(forms.Form):
    """What is to be done, and why; of a comment the text."""

    deed = forms.ChoiceField(choices=[(name, name) for name in (*DEEDS, RETRY)])
    reason = forms.CharField(
        required=False,
        max_length=REASON_CHARS,
        label="Reason or comment",
        help_text="For a comment its text. It stays with the order and in the audit log; "
        "customers don’t read it.",
    )
    job = forms.UUIDField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("deed") in NEED_WORDS and not cleaned.get("reason"):
            self.add_error("reason", "Say why; of a comment, write it here.")
        return cleaned


@dataclass(frozen=True)
class Row:
    """An entry with the pages that this viewer may open."""

    entry: Entry
    link: str
    job_name: str
    job_link: str


def urls(model_admin: ModelAdmin) -> list[URLPattern]:
    page = partial(why_page, model_admin=model_admin)
    return [path("<int:order_id>/why/", model_admin.admin_site.admin_view(page), name="orders_why")]


def why_page(request: HttpRequest, order_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """Only with the permission to see orders; a POST needs that of its deed too."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    order = get_object_or_404(Order.objects.select_related("payment"), pk=order_id)
    form = DeedForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        _do(request, order, form.cleaned_data)
        return HttpResponseRedirect(reverse("admin:orders_why", args=[order.pk]))
    records = records_of(order)
    story = entries(records)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": f"Why is order {order.pk} as it is?",
        "order": order,
        "standing": standing(records, now=timezone.now()),
        "rows": list(_rows(request, story, records)),
        "older": records.older_attempts,
        "form": form,
        "offers": _offers(request, records),
        "retries": _retries(request, records),
    }
    status = 400 if form.errors else 200
    return render(request, "orders/admin/why.html", context, status=status)


def _do(request: HttpRequest, order: Order, wish: dict[str, Any]) -> None:
    words = {"person": request.user, "reason": wish["reason"]}
    if wish["deed"] == RETRY:
        done = "The job will run again."
        problem = deeds.retry(order=order, job_id=wish["job"], **words)
    else:
        deed, done = DEEDS[wish["deed"]]
        problem = deeds.do(deed, order=order, **words)
    if problem:
        messages.warning(request, problem)
    else:
        messages.success(request, done)


def _offers(request: HttpRequest, records: Records) -> set[str]:
    """The deeds that make sense now and that this viewer may do."""
    order = records.order
    sensible = {"comment"}
    if order.state not in ENDED:
        sensible.add("cancel")
    if order.state not in UNPAID and order.payment.state in OWED:
        sensible.add("refund")
    if (
        order.state in (Order.State.CONFIRMED, Order.State.CANCELLED)
        or order.payment.state == Payment.State.REFUNDED
    ):
        sensible.add("resend")
    return {name for name in sensible if request.user.has_perm(DEEDS[name][0].permission)}


def _retries(request: HttpRequest, records: Records) -> list[dict[str, Any]]:
    if not request.user.has_perm(deeds.RETRY_PERMISSION):
        return []
    return [{"id": job.pk, "state": job.state, "name": job_name(job)} for job in retryable(records)]


def _rows(request: HttpRequest, story: Iterable[Entry], records: Records) -> Iterable[Row]:
    # Jobs that were pruned are only named; their number tells that there was one.
    kept = {job.pk: job_name(job) for job in records.jobs}
    for entry in story:
        name = kept.get(entry.job_id, "") if entry.job_id else ""
        yield Row(
            entry,
            link=_link(request, entry.subject),
            job_name=f"the {name} job" if name else "a job that is not kept any more",
            job_link=_link(request, f"job:{entry.job_id}") if name else "",
        )


def _link(request: HttpRequest, subject: str) -> str:
    """Where this viewer can look at it, or nothing."""
    kind, _, key = subject.partition(":")
    permission, name = {**PAGES, **LISTS}.get(kind, ("", ""))
    if not name or not request.user.has_perm(permission):
        return ""
    return (
        reverse(name, args=[key]) if kind in PAGES else f"{reverse(name)}?{urlencode({'q': key})}"
    )
