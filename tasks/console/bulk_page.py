"""One deed on all jobs that a search means: how many, why, and a number typed to confirm it.

    choose a deed ─▶ its exact count ─▶ a reason, and the count typed ─▶ done, or a job does it

The count that the person saw comes back with the form. If it has changed meanwhile nothing is done
and the page asks again.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from tasks import audit_log, operations
from tasks.bulk import Deed
from tasks.console import words
from tasks.console.deeds import Offer, allowed, offer_named
from tasks.job_filter import JobFilter
from tasks.model_admin import ModelAdmin

FEW = 10
"""More are confirmed by typing how many."""
REASON_CHARS = 200


class BulkForm(forms.Form):
    """Which deed on which jobs, how many there were when the person looked, and why."""

    deed = forms.CharField(widget=forms.HiddenInput)
    q = forms.CharField(strip=False, widget=forms.HiddenInput)
    meant = forms.IntegerField(widget=forms.HiddenInput)
    priority = forms.IntegerField(
        min_value=0, max_value=9, help_text="0 to 9; a higher one goes first."
    )
    reason = forms.CharField(
        max_length=REASON_CHARS,
        help_text="Why; it stays in the audit log.",
        widget=forms.TextInput(attrs={"autofocus": True}),
    )
    typed = forms.CharField(widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, data: QueryDict | None = None, *, count: int, deed: Deed, **rest: Any):
        super().__init__(data, **rest)
        self.count = count
        self.fields["typed"].label = f"Type {count} to confirm"
        if count <= FEW:
            del self.fields["typed"]
        if deed != Deed.REPRIORITISE:
            del self.fields["priority"]

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"])
        if typed.replace(",", "").replace(" ", "") != str(self.count):
            raise forms.ValidationError(f"These are {self.count} jobs: type {self.count}.")
        return typed


def bulk_address(chosen: JobFilter, deed: Deed | None = None) -> str:
    """The page for these jobs, with the deed chosen or to be chosen."""
    wanted = {"deed": deed.value} if deed else {}
    return f"{reverse('admin:tasks_bulk')}?{urlencode({**wanted, 'q': words.write(chosen)})}"


def list_address(chosen: JobFilter) -> str:
    return f"{reverse('admin:tasks_job_changelist')}?{urlencode({'q': words.write(chosen)})}"


@require_http_methods(["GET", "HEAD", "POST"])
def bulk_page(request: HttpRequest, *, model_admin: ModelAdmin) -> HttpResponse:
    """GET shows what is meant; POST does it. Needs the deed's permission, and to see jobs."""
    asked = request.POST if request.method == "POST" else request.GET
    offer = offer_named(asked.get("deed", ""))
    may = allowed(request)
    if not (may and request.user.has_perm("tasks.view_job")) or (offer and offer not in may):
        raise PermissionDenied
    context: dict[str, Any] = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": f"{offer.label}: all that match" if offer else "All jobs that match",
    }
    try:
        chosen = words.read(asked.get("q", ""))
        if chosen.is_empty:
            raise ValueError("This means every job there is: search for some first.")
    except ValueError as error:
        return _page(request, {**context, "problem": str(error)}, status=400)
    context |= {
        "offer": offer,
        "told": words.told(chosen),
        "back": list_address(chosen),
    }
    if offer is None:
        choices = [_choice(each, chosen) for each in may]
        return _page(request, {**context, "choices": choices}, status=200)
    count = operations.count(offer.deed, chosen)
    if request.method == "POST":
        return _sent(request, offer, chosen, count, context)
    return _ask(request, _fresh(offer, chosen, count), context, status=200)


def _sent(
    request: HttpRequest, offer: Offer, chosen: JobFilter, count: int, context: dict[str, Any]
) -> HttpResponse:
    form = BulkForm(request.POST, count=count, deed=offer.deed)
    meant = request.POST.get("meant", "")
    if meant != str(count):
        note = f"Nothing was done yet: when you looked {meant} jobs matched, now there are {count}."
        form = _fresh(offer, chosen, count, reason=request.POST.get("reason", ""))
        return _ask(request, form, {**context, "changed": note}, status=409)
    if not form.is_valid():
        return _ask(request, form, context, status=400)
    answer = operations.act_on_all(
        offer.deed,
        chosen,
        actor=audit_log.user(request.user),
        reason=form.cleaned_data["reason"],
        priority=form.cleaned_data.get("priority"),
    )
    if answer.job_id:
        messages.success(request, f"This job is at it: {offer.label}, {answer.matched} jobs.")
        return HttpResponseRedirect(reverse("admin:tasks_job_change", args=[answer.job_id]))
    tell = messages.success if answer.changed else messages.warning
    tell(request, f"{answer.changed} of {answer.matched} jobs {offer.done}.")
    return HttpResponseRedirect(context["back"])


def _fresh(offer: Offer, chosen: JobFilter, count: int, *, reason: str = "") -> BulkForm:
    initial = {
        "deed": offer.deed.value,
        "q": words.write(chosen),
        "meant": count,
        "reason": reason,
    }
    return BulkForm(count=count, deed=offer.deed, initial=initial)


def _choice(offer: Offer, chosen: JobFilter) -> dict[str, Any]:
    return {
        "offer": offer,
        "count": operations.count(offer.deed, chosen),
        "link": bulk_address(chosen, offer.deed),
    }


def _ask(
    request: HttpRequest, form: BulkForm, context: dict[str, Any], *, status: int
) -> HttpResponse:
    return _page(request, {**context, "form": form, "count": form.count}, status=status)


def _page(request: HttpRequest, context: dict[str, Any], *, status: int) -> HttpResponse:
    return render(request, "tasks/admin/bulk.html", context, status=status)
