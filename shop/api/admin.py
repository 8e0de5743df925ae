"""API keys for operators: made here and shown once, never edited, ended by an action."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers

from shop.api import keys
from shop.api.models import ApiKey, Scope
from tasks.model_admin import ModelAdmin


class NewKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices, widget=forms.CheckboxSelectMultiple, required=False
    )

    class Meta:
        model = ApiKey
        fields = ("name", "user", "scopes")


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    actions = ("revoke_keys",)
    form = NewKeyForm
    autocomplete_fields = ("user",)
    list_display = ("name", "hint", "user", "created_at", "last_used_at", "revoked_at")
    list_filter = ("revoked_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "hint", "user__username")
    fields = ("name", "user", "scopes")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_apikey_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("api.revoke_apikey")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.fields
        return (*self.fields, "hint", "created_at", "last_used_at", "revoked_at")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        request.new_api_key = keys.assign_secret(obj)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The key on this one page: a message would leave it in a cookie."""
        context = {
            **self.admin_site.each_context(request),
            "title": "The new API key",
            "opts": self.opts,
            "record": obj,
            "key": request.new_api_key,  # type: ignore[attr-defined]
        }
        response = TemplateResponse(request, "api/admin/new_key.html", context)
        add_never_cache_headers(response)
        return response

    @admin.action(description="Revoke", permissions=["revoke_apikey"])
    def revoke_keys(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        if not self.has_revoke_apikey_permission(request):
            raise PermissionDenied
        revoked = sum(keys.revoke_key(key_id=key.pk) for key in queryset)
        self.message_user(request, f"{revoked} keys revoked.", messages.SUCCESS)
