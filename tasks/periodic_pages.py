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
from django_celery_beat.admin import PeriodicTaskAdmin as UnguardedAdmin

from tasks import audit_log


class PeriodicTaskAdmin(UnguardedAdmin):  # type: ignore[misc]  # it ships no types
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
