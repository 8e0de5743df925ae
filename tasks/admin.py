"""The admin's pages of the platform's models."""

from __future__ import annotations

from django.contrib import admin
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from tasks import periodic_pages
from tasks.console.job_list import JobAdmin
from tasks.effect_pages import EffectAdmin
from tasks.lock_pages import LockAdmin
from tasks.models import AuditEntry, Effect, Job, Lock
from tasks.records import RecordAdmin

admin.site.register(Lock, LockAdmin)
admin.site.register(Effect, EffectAdmin)
admin.site.register(Job, JobAdmin)
for model, page in {
    PeriodicTask: periodic_pages.PeriodicTaskAdmin,
    ClockedSchedule: periodic_pages.ClockedScheduleAdmin,
    CrontabSchedule: periodic_pages.CrontabScheduleAdmin,
    IntervalSchedule: periodic_pages.IntervalScheduleAdmin,
    SolarSchedule: periodic_pages.SolarScheduleAdmin,
}.items():
    admin.site.unregister(model)  # `tasks.periodic_pages` has imported beat's own
    admin.site.register(model, page)


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
