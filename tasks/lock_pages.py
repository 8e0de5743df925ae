"""The admin's pages of the locks: who holds what, who waits, and taking one away by force.

Locks live in Redis and are looked at there; `tasks.models.Lock` has no table.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from tasks import audit_log
from tasks.lock_rows import HolderRow, holder_row, lock_row
from tasks.locks import LockUnavailable, wording
from tasks.locks.default import default_locker
from tasks.locks.forcing import force_release
from tasks.locks.inspection import Found, HolderInfo, find_locks, lock_info
from tasks.locks.keys import MAX_NAME_BYTES
from tasks.records import RecordAdmin

SHOWN = 200  # more than a person reads; the filter finds the others
PERMISSION = "tasks.release_lock"
LIST = "admin:tasks_lock_changelist"


class ReleaseForm(forms.Form):
    """Which acquisition of which lock, as the page showed it, and why it is taken away."""

    key = forms.CharField(strip=False, max_length=MAX_NAME_BYTES, widget=forms.HiddenInput)
    value = forms.CharField(strip=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=200,
        help_text="Why; it stays in the audit log.",
        widget=forms.TextInput(attrs={"autofocus": True}),
    )


class LockAdmin(RecordAdmin):
    """Takes its place in the admin's index, and its permissions, from the model without a table."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name="tasks_lock_changelist"),
            path("release/", wrap(self.release_view), name="tasks_lock_release"),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The locks whose key contains `q`, with their waiters. Needs `tasks.view_lock`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        wanted = request.GET.get("q", "")[:MAX_NAME_BYTES]
        found, problem = Found(locks=(), complete=True), ""
        try:
            found = find_locks(default_locker(), key=wanted, limit=SHOWN)
        except LockUnavailable as error:
            problem = str(error)
        context = {
            "title": "Locks",
            "wanted": wanted,
            "found": found,
            "rows": [lock_row(request, lock) for lock in found.locks],
            "problem": problem,
            "looked_at": timezone.now(),
            "may_release": request.user.has_perm(PERMISSION),
            **(extra_context or {}),
        }
        return self._page(request, "locks", context, status=503 if problem else 200)

    def release_view(self, request: HttpRequest) -> HttpResponse:
        """GET asks for a reason, POST releases. Needs `tasks.release_lock`, and to see locks."""
        if not (self.has_view_permission(request) and request.user.has_perm(PERMISSION)):
            raise PermissionDenied
        sent = request.method == "POST"
        asked = request.POST if sent else request.GET
        form = ReleaseForm(request.POST) if sent else ReleaseForm(initial=request.GET.dict())
        key = asked.get("key", "")
        try:
            holder = _holder(key, asked.get("value", ""))
            if holder and (not sent or not form.is_valid()):
                return self._confirm(request, form, key, holder_row(request, key, holder))
            if holder and _release(request, form, key, holder):
                text = f"“{key}” was taken from {wording.process(holder.owner)}."
                messages.success(request, text)
            else:
                text = f"Nothing was done: that holder has let go of “{key}” already."
                messages.warning(request, text)
        except LockUnavailable as error:
            return self._confirm(request, form, key, None, problem=str(error))
        return HttpResponseRedirect(reverse(LIST))

    def _confirm(
        self,
        request: HttpRequest,
        form: ReleaseForm,
        key: str,
        holder: HolderRow | None,
        *,
        problem: str = "",
    ) -> HttpResponse:
        context = {
            "title": "Release a lock by force",
            "key": key,
            "holder": holder,
            "form": form,
            "problem": problem,
        }
        status = 503 if problem else 400 if form.errors else 200
        return self._page(request, "release_lock", context, status=status)

    def _page(
        self, request: HttpRequest, name: str, context: dict[str, Any], *, status: int
    ) -> HttpResponse:
        around = {**self.admin_site.each_context(request), "opts": self.opts}
        return render(request, f"tasks/admin/{name}.html", around | context, status=status)


def _release(request: HttpRequest, form: ReleaseForm, key: str, holder: HolderInfo) -> bool:
    actor, reason = audit_log.user(request.user), form.cleaned_data["reason"]
    return force_release(default_locker(), key, holder, actor=actor, reason=reason)


def _holder(key: str, value: str) -> HolderInfo | None:
    """The acquisition that was looked at, if it still holds. Raises `LockUnavailable`."""
    try:
        lock = lock_info(default_locker(), key)
    except ValueError as error:
        if isinstance(error, LockUnavailable):  # which is a ValueError too, as redis-py's are
            raise
        return None  # no lock has such a key
    return lock.holder(value) if lock else None
