"""The classes under every page of the admin: django-unfold's, with the types of Django's own.

unfold's `actions_row`, `actions_detail` and `actions_list` run on GET, so a link on another site
could trigger them. We use Django's `actions` and pages of our own, which change something by POST
only; `tests/shop/console/test_admin_classes.py` keeps it so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # only the type stubs know the classes' parameters
    from django.contrib import admin
    from django.contrib.admin.helpers import ActionForm
    from django.db.models import Model

    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Model, Any]
else:
    from unfold.admin import ModelAdmin as UnfoldModelAdmin
    from unfold.admin import TabularInline
    from unfold.forms import ActionForm

    class ModelAdmin(UnfoldModelAdmin):
        class Media:
            css = {"all": ["tasks/console.css"]}


__all__ = ["ActionForm", "ModelAdmin", "TabularInline"]
