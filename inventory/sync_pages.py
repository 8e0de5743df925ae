"""The admin's pages of a sync: how far it is, what it would do or did, a person's word on it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inventory import reports
from inventory.approving import approve_run, reject_run
from inventory.errors import NotHeld
from inventory.models import SyncRowError, SyncRun
from tasks import audit_log
from tasks.model_admin import TabularInline
from tasks.records import RecordAdmin

PERMISSION = "inventory.decide_sync"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula.
https://owasp.org/www-community/attacks/CSV_Injection"""

COLUMNS = ("line", "sku", "quantity", "verdict", "before", "after", "change", "error")


class DecisionForm(forms.Form):
    """A person's word about a held run, and why."""

    decision = forms.ChoiceField(choices=[("approve", "approve"), ("reject", "reject")])
    reason = forms.CharField(
        max_length=200,
        help_text="Why; it stays in the audit log.",
    )


class RowErrorInline(TabularInline):
    model = SyncRowError
    fields = ["line", "sku", "reason"]
    can_delete = False
    extra = 0
    verbose_name_plural = "rows that could not be used"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SyncRunAdmin(RecordAdmin):
    show_full_result_count = False
    list_display = [
        "pk", "supplier", "state", "progress", "added", "changed", "unchanged", "outdated",
        "failed", "started_at", "finished_at",
    ]  # fmt: skip
    list_filter = ["state", "supplier"]
    list_select_related = ["supplier"]
    inlines = [RowErrorInline]
    change_form_template = "inventory/admin/sync_run.html"

    @admin.display(description="progress")
    def progress(self, run: SyncRun) -> SafeString | str:
        if run.state != SyncRun.State.RUNNING or not run.rows_total:
            return f"{run.rows_done:,} rows"
        return format_html(
            '<progress max="{}" value="{}"></progress> {} of {}',
            run.rows_total,
            run.rows_done,
            f"{run.rows_done:,}",
            f"{run.rows_total:,}",
        )

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:run_id>/diff/", wrap(self.diff_view), name="inventory_syncrun_diff"),
            path("<int:run_id>/report.csv", wrap(self.report_view), name="inventory_syncrun_csv"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        more = {"run": run, "summary": reports.summary(run)} if run else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def diff_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """What the run would do if it were merged now. POST decides about a held one."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = get_object_or_404(SyncRun.objects.select_related("supplier"), pk=run_id)
        form = DecisionForm(request.POST if request.method == "POST" else None)
        if request.method == "POST":
            if not request.user.has_perm(PERMISSION):
                raise PermissionDenied
            if form.is_valid():
                return self._decide(request, run, **form.cleaned_data)
        after = request.GET.get("after", "")
        rows = reports.run_diff(run, after=int(after) if after.isdecimal() else 0)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"What run {run.pk} would do",
            "run": run,
            "rows": rows,
            "next": rows[-1].number if len(rows) == reports.PAGE else None,
            "is_held": run.state == SyncRun.State.HELD,
            "may_decide": request.user.has_perm(PERMISSION),
            "form": form,
        }
        status = 400 if form.errors else 200
        return render(request, "inventory/admin/sync_diff.html", context, status=status)

    def report_view(self, request: HttpRequest, run_id: int) -> StreamingHttpResponse:
        """Every row of the run as CSV, streamed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = get_object_or_404(SyncRun, pk=run_id)
        response = StreamingHttpResponse(_csv(run), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="sync-run-{run.pk}.csv"'
        return response

    def _decide(
        self, request: HttpRequest, run: SyncRun, *, decision: str, reason: str
    ) -> HttpResponse:
        act = approve_run if decision == "approve" else reject_run
        try:
            act(run_id=run.pk, actor=audit_log.user(request.user), reason=reason)
        except NotHeld as error:
            messages.warning(request, str(error))
        else:
            done = "approved: its merge is enqueued" if decision == "approve" else "rejected"
            messages.success(request, f"Run {run.pk} was {done}.")
        return HttpResponseRedirect(reverse("admin:inventory_syncrun_change", args=[run.pk]))


class _Echo:
    """A file whose `write` hands back what `csv` made of a row."""

    def write(self, text: str) -> str:
        return text


def _csv(run: SyncRun) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in reports.report_rows(run):
        yield writer.writerow([_cell(getattr(row, name)) for name in COLUMNS])


def _cell(value: Any) -> Any:
    """Text that a spreadsheet won't run; numbers, negative ones too, stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return value
