"""The admin's pages of the schedules: django-celery-beat's, with permissions and a record.

Its own actions ask for none, so whoever may look at schedules could switch them off or run them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat import admin as beat
from django_celery_beat.models import PeriodicTask
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from tasks import audit_log
from tasks.model_admin import ModelAdmin, TabularInline


class TaskSelect(UnfoldAdminSelectWidget, beat.TaskSelectWidget):  # type: ignore[misc]
    """beat's list of the registered tasks, in the look of the other fields."""


class PeriodicTaskForm(beat.PeriodicTaskForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Whoever may only look gets no field that could be changed.
        if "task" in self.fields:
            self.fields["task"].widget = UnfoldAdminTextInputWidget()
        if "regtask" in self.fields:
            self.fields["regtask"].widget = TaskSelect()


class PeriodicTaskAdmin(beat.PeriodicTaskAdmin, ModelAdmin):  # type: ignore[misc]
    form = PeriodicTaskForm
    change_form_template = None  # beat's own has a script inside it, which our policy forbids

    @admin.action(description="Enable selected tasks", permissions=["change"])
    def enable_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._do(request, queryset, "schedule.enable", super().enable_tasks)

    @admin.action(description="Disable selected tasks", permissions=["change"])
    def disable_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._do(request, queryset, "schedule.disable", super().disable_tasks)

    @admin.action(description="Toggle activity of selected tasks", permissions=["change"])
    def toggle_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._do(request, queryset, "schedule.toggle", super().toggle_tasks)

    @admin.action(description="Run selected tasks", permissions=["run_now"])
    def run_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._do(request, queryset, "schedule.run_now", super().run_tasks)

    def has_run_now_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tasks.run_job_now")

    def _do(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        action: str,
        act: Callable[[HttpRequest, QuerySet[Any]], object],
    ) -> None:
        actor = audit_log.user(request.user)
        with transaction.atomic():
            for pk in queryset.values_list("pk", flat=True):
                audit_log.record(actor=actor, action=action, subject=f"schedule:{pk}")
            act(request, queryset)


class PeriodicTaskInline(TabularInline):
    """Which tasks run by a schedule."""

    model = PeriodicTask
    fields = ("name", "task", "enabled")
    readonly_fields = fields
    can_delete = False
    extra = 0
    show_change_link = True
    verbose_name_plural = "tasks that run by this schedule"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ClockedScheduleAdmin(beat.ClockedScheduleAdmin, ModelAdmin):  # type: ignore[misc]
    inlines = (PeriodicTaskInline,)


class CrontabScheduleAdmin(beat.CrontabScheduleAdmin, ModelAdmin):  # type: ignore[misc]
    inlines = (PeriodicTaskInline,)


class IntervalScheduleAdmin(beat.IntervalScheduleAdmin, ModelAdmin):  # type: ignore[misc]
    inlines = (PeriodicTaskInline,)


class SolarScheduleAdmin(beat.SolarScheduleAdmin, ModelAdmin):  # type: ignore[misc]
    inlines = (PeriodicTaskInline,)
