"""The admin's pages of the schedules: django-celery-beat's, with permissions and a record.

Its own actions ask for none, so whoever may look at schedules could switch them off or run them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from django_celery_beat import admin as beat
from django_celery_beat.models import PeriodicTask
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from tasks import audit_log, slots
from tasks.model_admin import ModelAdmin, TabularInline

RUN_NOW = "schedule.run_now"


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
    change_form_outer_before_template = "tasks/admin/schedule.html"
    list_display = ("name", "task", "enabled", "when", "last_run", "next_run", "missed")
    list_filter = ("enabled", "task")
    date_hierarchy = None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.deed_view))
        own = path("<int:pk>/do/<slug:deed>/", view, name="tasks_schedule_deed")
        return [own, *super().get_urls()]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changes = super().get_changelist_instance(request)
        changes.result_list = list(changes.result_list)
        standings = slots.standings(changes.result_list)
        for schedule in changes.result_list:
            schedule.standing = standings[schedule.pk]
        return changes

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        shown = self.get_object(request, object_id)
        more: dict[str, Any] = {}
        if shown is not None:
            more = {
                "schedule": shown,
                "standing": slots.standings([shown])[shown.pk],
                "deeds": [
                    (reverse("admin:tasks_schedule_deed", args=[shown.pk, name]), deed.word)
                    for name, deed in DEEDS.items()
                    if deed.applies(shown) and deed.may(self, request)
                ],
                "sees_jobs": request.user.has_perm("tasks.view_job"),
            }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def deed_view(self, request: HttpRequest, pk: int, deed: str) -> HttpResponse:
        """Run now, switch on or off: what the list's action does, to one."""
        if deed not in DEEDS:
            raise Http404
        if not (self.has_view_permission(request) and DEEDS[deed].may(self, request)):
            raise PermissionDenied
        chosen = self.get_queryset(request).filter(pk=pk)
        if not chosen:
            raise Http404
        DEEDS[deed].do(self, request, chosen)
        return redirect("admin:django_celery_beat_periodictask_change", pk)

    @admin.display(description="when")
    def when(self, schedule: PeriodicTask) -> str:
        return schedule.crontab.human_readable if schedule.crontab else str(schedule.scheduler)

    @admin.display(description="last run", ordering="last_run_at")
    def last_run(self, schedule: Any) -> str | SafeString:
        """With a link to its job, which only those can open who may see jobs."""
        run = schedule.standing.last
        if run is None:
            return _moment(schedule.last_run_at)
        link = reverse("admin:tasks_job_change", args=[run.job_id])
        return format_html('<a href="{}">{}</a> {}', link, _moment(run.at), run.state)

    @admin.display(description="next run (UTC)")
    def next_run(self, schedule: Any) -> str:
        return _moment(schedule.standing.next_at)

    @admin.display(description="missed in 24 h")
    def missed(self, schedule: Any) -> str:
        count = schedule.standing.missed
        return "–" if count is None else f"{count:,}"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            audit_log.record(
                actor=audit_log.user(request.user),
                action="schedule.change" if change else "schedule.add",
                subject=f"schedule:{obj.pk}",
                details={"changed": sorted(form.changed_data)},
            )

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
        self._do(request, queryset, RUN_NOW, super().run_tasks)

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
            if action != RUN_NOW:
                slots.mark(queryset.values_list("pk", flat=True))
            act(request, queryset)


@dataclass(frozen=True, kw_only=True)
class Deed:
    """A button on a schedule's page."""

    word: str
    applies: Callable[[PeriodicTask], bool]
    may: Callable[[PeriodicTaskAdmin, HttpRequest], bool]
    do: Callable[[PeriodicTaskAdmin, HttpRequest, QuerySet[Any]], None]


DEEDS = {
    "run": Deed(
        word="Run now",
        applies=lambda _: True,
        may=lambda page, request: page.has_run_now_permission(request),
        do=lambda page, request, chosen: page.run_tasks(request, chosen),
    ),
    "off": Deed(
        word="Switch off",
        applies=lambda schedule: bool(schedule.enabled),
        may=lambda page, request: bool(page.has_change_permission(request)),
        do=lambda page, request, chosen: page.disable_tasks(request, chosen),
    ),
    "on": Deed(
        word="Switch on",
        applies=lambda schedule: not schedule.enabled,
        may=lambda page, request: bool(page.has_change_permission(request)),
        do=lambda page, request, chosen: page.enable_tasks(request, chosen),
    ),
}


def _moment(when: datetime | None) -> str:
    return f"{when:%d %b %H:%M:%S}" if when else "–"


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
