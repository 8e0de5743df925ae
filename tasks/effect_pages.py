"""The admin's pages of the effects: what was intended, what became of it, and asking about it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from tasks import audit_log, inquiries
from tasks.console import subjects
from tasks.errors import CannotAsk
from tasks.models import Effect, Job
from tasks.records import RecordAdmin

PERMISSION = "tasks.ask_effect"


class OutcomeFilter(admin.SimpleListFilter):
    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("unknown", "unknown"),
            ("under-way", "under way"),
            ("done", "done"),
            ("failed", "failed"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "unknown":
            return queryset.filter(pk__in=inquiries.unknown().values("pk"))
        if self.value() == "under-way":
            begun = queryset.filter(state=Effect.State.INTENDED)
            return begun.exclude(pk__in=inquiries.unknown().values("pk"))
        return queryset.filter(state=self.value()) if self.value() else queryset


class EffectAdmin(RecordAdmin):
    list_display = ["key", "kind", "outcome", "tries", "intended_at", "settled_at", "error"]
    list_filter = [OutcomeFilter, "kind"]
    search_fields = ["key", "=job_id"]
    ordering = ["-intended_at"]
    actions = ["ask_provider"]
    change_form_outer_before_template = "tasks/admin/effect.html"
    fieldsets = [
        (None, {"fields": ["key", "kind", "outcome", "tries", "result", "error"]}),
        ("Intent", {"fields": ["digest", "job", "created_at", "intended_at", "settled_at"]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.ask_view))
        return [path("<int:pk>/ask/", view, name="tasks_effect_ask"), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        effect = self.get_object(request, object_id)
        more: dict[str, Any] = {}
        if effect is not None and inquiries.is_unknown(effect):
            more = {"is_unknown": True, "effect": effect}
            if self.has_ask_permission(request):
                more["ask_url"] = reverse("admin:tasks_effect_ask", args=[effect.pk])
        if effect is not None:
            more["about"] = self._about(request, effect)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def ask_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not (self.has_view_permission(request) and self.has_ask_permission(request)):
            raise PermissionDenied
        if not Effect.objects.filter(pk=pk).exists():
            raise Http404
        self._ask(request, pk)
        return redirect("admin:tasks_effect_change", pk)

    @admin.action(description="Ask the provider (unknown)", permissions=["ask"])
    def ask_provider(self, request: HttpRequest, queryset: QuerySet[Effect]) -> None:
        for pk in queryset.values_list("pk", flat=True):
            self._ask(request, pk)

    def has_ask_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSION)

    @admin.display(description="outcome", ordering="state")
    def outcome(self, effect: Effect) -> str:
        if effect.state != Effect.State.INTENDED:
            return effect.state
        return "unknown" if inquiries.is_unknown(effect) else "under way"

    @admin.display(description="digest of the parameters")
    def digest(self, effect: Effect) -> SafeString:
        return format_html('<pre class="trace">{}</pre>', effect.fingerprint)

    @admin.display(description="job")
    def job(self, effect: Effect) -> str | SafeString:
        if not effect.job_id:
            return "–"
        link = reverse("admin:tasks_job_change", args=[effect.job_id])
        return format_html('<a href="{}">{}</a>', link, effect.job_id)

    def _about(self, request: HttpRequest, effect: Effect) -> tuple[str, str]:
        """What the effect's job is about, and the page of that."""
        job = Job.objects.filter(pk=effect.job_id).first() if effect.job_id else None
        subject = job.subject if job else ""
        return subject, subjects.page_of(subject, request.user.get_all_permissions())

    def _ask(self, request: HttpRequest, pk: int) -> None:
        try:
            asked = inquiries.ask(effect_id=pk, actor=audit_log.user(request.user))
        except CannotAsk as error:
            messages.warning(request, str(error))
        else:
            text = f"The job of {asked.key} runs now and asks the provider by this key first."
            messages.success(request, text)
