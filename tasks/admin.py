"""Jobs, their attempts and effects, for operators. Every action is a service that checks again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from tasks import audit_log, operations, periodic_pages
from tasks.bulk import Deed
from tasks.console.urls import urls
from tasks.effect_pages import EffectAdmin
from tasks.lock_pages import LockAdmin
from tasks.model_admin import TabularInline
from tasks.models import Attempt, AuditEntry, Effect, Job, Lock
from tasks.records import RecordAdmin

admin.site.register(Lock, LockAdmin)
admin.site.register(Effect, EffectAdmin)
for model, page in {
    PeriodicTask: periodic_pages.PeriodicTaskAdmin,
    ClockedSchedule: periodic_pages.ClockedScheduleAdmin,
    CrontabSchedule: periodic_pages.CrontabScheduleAdmin,
    IntervalSchedule: periodic_pages.IntervalScheduleAdmin,
    SolarSchedule: periodic_pages.SolarScheduleAdmin,
}.items():
    admin.site.unregister(model)  # `tasks.periodic_pages` has imported beat's own
    admin.site.register(model, page)


class AttemptInline(TabularInline):
    model = Attempt
    readonly_fields = ("number", "outcome", "worker", "started_at", "finished_at", "error")
    fields = readonly_fields
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(RecordAdmin):
    list_display = ["task", "subject", "state", "attempt", "progress", "run_at", "short_error"]
    list_filter = ["state", "queue", "task"]
    search_fields = ["=id", "=subject", "task", "error", "=correlation_id"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    show_full_result_count = False  # counting a long ledger takes longer than reading a page of it
    inlines = [AttemptInline]
    actions = ["retry", "run_now", "cancel", "discard"]
    fieldsets = [
        (None, {"fields": ["task", "state", "subject", "args", "kwargs", "progress", "result"]}),
        ("Error", {"fields": ["error", "traceback_text"]}),
        ("Time", {"fields": ["created_at", "run_at", "expires_at", "queued_at", "started_at"]}),
        ("End", {"fields": ["finished_at", "attempt", "failures", "crashes", "cancel_requested"]}),
        ("Where", {"fields": ["queue", "priority", "worker", "lease_until"]}),
        ("Why", {"fields": ["enqueued_by", "parent_id", "correlation_id"]}),
        ("Names", {"fields": ["unique_key", "slot", "tags"]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        return [*urls(self), *super().get_urls()]

    @admin.display(description="progress")
    def progress(self, job: Job) -> str:
        if job.progress_done is None:
            return ""
        total = f" of {job.progress_total}" if job.progress_total is not None else ""
        return f"{job.progress_done}{total} {job.progress_note}".strip()

    @admin.display(description="traceback")
    def traceback_text(self, job: Job) -> SafeString:
        return format_html('<pre class="trace">{}</pre>', job.traceback or "none")

    @admin.display(description="error")
    def short_error(self, job: Job) -> SafeString:
        return format_html('<span title="{}">{}</span>', job.error, job.error[:60])

    @admin.action(description="Retry (dead, cancelled, expired, discarded)", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, Deed.RETRY, "will run again")

    @admin.action(description="Run now (scheduled)", permissions=["run_now"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, Deed.RUN_NOW, "are due now")

    @admin.action(description="Cancel (not ended yet)", permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, Deed.CANCEL, "are cancelled or asked to stop")

    @admin.action(description="Discard (dead)", permissions=["discard"])
    def discard(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, Deed.DISCARD, "are discarded")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tasks.retry_job")

    def has_run_now_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tasks.run_job_now")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tasks.cancel_job")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tasks.discard_job")

    def _each(self, request: HttpRequest, queryset: QuerySet[Job], deed: Deed, what: str) -> None:
        actor = audit_log.user(request.user)
        chosen = list(queryset.values_list("pk", flat=True))
        changed = [job_id for job_id in chosen if operations.act(deed, job_id, actor=actor)]
        for job in Job.objects.filter(pk__in=changed):
            self.log_change(request, job, what)
        messages.success(request, f"{len(changed)} of {len(chosen)} jobs {what}.")


@admin.register(AuditEntry)
class AuditEntryAdmin(RecordAdmin):
    """What people did. PostgreSQL itself refuses to change or delete an entry."""

    list_display = ["at", "actor", "action", "subject", "reason"]
    list_filter = ["action"]
    search_fields = ["=subject", "=actor", "action"]
    search_help_text = "order:42, user:3, lock.release"
    date_hierarchy = "at"
    ordering = ["-id"]
    show_full_result_count = False
    fields = ["at", "actor", "action", "subject", "reason", "details"]
