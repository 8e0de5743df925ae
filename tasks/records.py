"""Admin pages of records: what code writes and people only read."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from tasks.model_admin import ModelAdmin


class RecordAdmin(ModelAdmin):
    """Nobody adds, changes or deletes these by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
