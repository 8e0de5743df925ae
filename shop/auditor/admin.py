"""What the audits found, for operators: newest first, linked to what is wrong and to its job."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from shop.auditor.breaches import page_of
from shop.auditor.models import AuditBreach, AuditRun
from tasks.model_admin import TabularInline
from tasks.records import RecordAdmin


def _linked(path: str, text: str) -> str:
    return format_html('<a href="{}">{}</a>', path, text) if path else text


class BreachInline(TabularInline):
    model = AuditBreach
    fields = ("invariant", "subject_link", "expected", "found", "job_link", "attempt")
    readonly_fields = ("subject_link", "job_link")
    can_delete = False
    extra = 0
    verbose_name_plural = "breaches"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see an audit may see what it found."""
        return request.user.has_perm("auditor.view_auditrun")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="subject")
    def subject_link(self, breach: AuditBreach) -> str:
        return _linked(page_of(breach.subject), breach.subject)

    @admin.display(description="job")
    def job_link(self, breach: AuditBreach) -> str:
        return _linked(page_of(f"job:{breach.job_id}"), str(breach.job_id)) if breach.job_id else ""


@admin.register(AuditRun)
class AuditRunAdmin(RecordAdmin):
    list_display = ["id", "started_at", "holds", "invariants", "broken", "breaches", "finished_at"]
    ordering = ["-id"]
    inlines = [BreachInline]

    @admin.display(description="holds", boolean=True)
    def holds(self, run: AuditRun) -> bool:
        return not run.breaches
