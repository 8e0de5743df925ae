"""Suppliers and their deliveries in the admin, with a sync now and a look at the feed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from inventory import jobs, suppliers, trying
from inventory.feeds import deliveries, marks
from inventory.models import Delivery, Supplier
from tasks import audit_log
from tasks.model_admin import ModelAdmin
from tasks.records import RecordAdmin

if TYPE_CHECKING:  # only the type stubs know the class's parameter
    ModelForm = forms.ModelForm[Supplier]
else:
    ModelForm = forms.ModelForm

SYNC = "inventory.sync_stock"


class SupplierForm(ModelForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        # What the form has so far; the instance gets its values only after this.
        wished = Supplier(**{name: cleaned.get(name) for name in cleaned})
        for field, sentence in suppliers.problems(wished):
            if field not in self.errors:
                self.add_error(field, sentence)
        return cleaned


class SupplierAdmin(ModelAdmin):
    form = SupplierForm
    change_form_template = "inventory/admin/with_trial.html"
    list_display = ["name", "kind", "feed_format", "where", "sync_every_minutes", "is_enabled"]
    list_filter = ["is_enabled", "kind", "feed_format"]
    search_fields = ["name"]
    readonly_fields = ["webhook", "schedule", "full_read_at"]
    actions = ["sync_now"]
    fieldsets = [
        (None, {"fields": ["name", "kind", "feed_format", "is_enabled"]}),
        ("Schedule", {"fields": ["sync_every_minutes", "schedule", "full_read_at"]}),
        ("Fetched from an address", {"fields": ["feed_url", "since_parameter"]}),
        ("Files dropped into a folder", {"fields": ["folder", "pattern"]}),
        ("Pushed to us, signed", {"fields": ["webhook"]}),
        (
            "Credential",
            {
                "fields": ["credential"],
                "description": "For an address: a token or a password. For pushes: the secret that"
                " signs them. Its value is in the environment of the shop, never here.",
            },
        ),
        (
            "What their fields are called",
            {
                "fields": ["sku_field", "quantity_field", "as_of_field"],
                "description": "In JSON a dot leads into an object: stock.on_hand.",
            },
        ),
        (
            "What a sync may do without a person",
            {
                "fields": [
                    "safety_buffer",
                    "max_drop_percent",
                    "max_zeroed_percent",
                    "max_bad_percent",
                    "max_below_reserved",
                    "max_age_hours",
                ],
            },
        ),
    ]

    @admin.display(description="where")
    def where(self, supplier: Supplier) -> str:
        return supplier.feed_url or supplier.folder or self.webhook(supplier)

    @admin.display(description="address for pushes")
    def webhook(self, supplier: Supplier) -> str:
        if supplier.kind != Supplier.Kind.PUSH or not supplier.name:
            return "-"
        return f"POST {reverse('stock_webhook', args=[supplier.name])}"

    def has_sync_stock_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(SYNC)

    @admin.action(description="Sync the stock now", permissions=["sync_stock"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[Supplier]) -> None:
        """Enqueue a sync of each chosen supplier that is switched on, of all that it has."""
        chosen = list(queryset)
        enabled = [supplier for supplier in chosen if supplier.is_enabled]
        with transaction.atomic():
            marks.forget([supplier.pk for supplier in enabled])
            for supplier in enabled:
                job_id = jobs.enqueue_sync(supplier.pk)
                audit_log.record(
                    actor=audit_log.user(request.user),
                    action="supplier.sync",
                    subject=f"supplier:{supplier.pk}",
                    details={"job": job_id},
                )
        if enabled:
            names = ", ".join(map(str, enabled))
            text = f"Syncs are enqueued for {names}. See the sync runs for what becomes of them."
            self.message_user(request, text, messages.SUCCESS)
        for supplier in chosen:
            if not supplier.is_enabled:
                self.message_user(request, f"{supplier} is switched off.", messages.WARNING)

    def get_urls(self) -> list[URLPattern]:
        page = partial(trying.trial_page, site=self.admin_site)
        view = self.admin_site.admin_view(page)
        return [
            path("<int:supplier_id>/try/", view, name="inventory_try_feed"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        shown = self.get_object(request, object_id)
        links: dict[str, Any] = {}
        if shown is not None and request.user.has_perm(SYNC):
            links = {"try_url": reverse("admin:inventory_try_feed", args=[shown.pk])}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **links})


class DeliveryAdmin(RecordAdmin):
    list_display = ["received_at", "supplier", "kind", "told", "size", "state", "error"]
    list_filter = ["state", "kind", "supplier"]
    list_select_related = ["supplier"]
    ordering = ["-id"]
    search_fields = ["=key", "name"]
    show_full_result_count = False
    actions = ["read_again"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return super().get_queryset(request).defer("body")

    @admin.display(description="delivery")
    def told(self, delivery: Delivery) -> str:
        return delivery.name or delivery.key

    def has_sync_stock_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(SYNC)

    @admin.action(description="Read again (refused)", permissions=["sync_stock"])
    def read_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        again = [delivery_id for delivery_id in chosen if deliveries.read_again(delivery_id)]
        messages.success(request, f"{len(again)} of {len(chosen)} deliveries will be read again.")
