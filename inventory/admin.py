"""Products, stock and sync runs for the people who run the shop.

What services write (stock, movements, reservations, sync runs) is read-only here. Actions and the
adjust page change something by POST only, and each asks for its permission.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from inventory import adjusting, history_page
from inventory.models import (
    Category,
    Delivery,
    LowStockAlert,
    Product,
    Reservation,
    Stock,
    StockMovement,
    Supplier,
    SyncRun,
)
from inventory.supplier_admin import DeliveryAdmin, SupplierAdmin
from inventory.sync_pages import SyncRunAdmin
from tasks.model_admin import ModelAdmin
from tasks.records import RecordAdmin


class ReadOnly(RecordAdmin):
    """A record that services write."""

    show_full_result_count = False  # counting a large table twice a page costs more than it tells


class LinksToStock(ModelAdmin):
    """A page that leads to those of its product's stock: adjusting it, and how it came about."""

    change_form_template = "inventory/admin/with_stock.html"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        shown = self.get_object(request, object_id)
        links: dict[str, Any] = {}
        if shown is not None and request.user.has_perm(adjusting.PERMISSION):
            links["adjust_url"] = reverse("admin:inventory_adjust", args=[self.product_id(shown)])
        if shown is not None and request.user.has_perm(history_page.PERMISSION):
            links["history_url"] = reverse("admin:inventory_history", args=[self.product_id(shown)])
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **links})

    def product_id(self, shown: Any) -> int:
        raise NotImplementedError


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    list_display = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    search_fields = ["name"]


@admin.register(Product)
class ProductAdmin(LinksToStock):
    list_display = [
        "sku", "name", "category", "price_minor", "currency", "low_stock_at", "is_active",
    ]  # fmt: skip
    list_filter = ["is_active", "category", "currency"]
    list_select_related = ["category"]
    search_fields = ["sku", "name"]

    def product_id(self, shown: Any) -> int:
        return int(shown.pk)

    def get_urls(self) -> list[URLPattern]:
        adjust = partial(adjusting.adjust_page, site=self.admin_site)
        history = partial(history_page.history_page, site=self.admin_site)
        wrap = self.admin_site.admin_view
        return [
            path("<int:product_id>/adjust/", wrap(adjust), name="inventory_adjust"),
            path("<int:product_id>/levels/", wrap(history), name="inventory_history"),
            *super().get_urls(),
        ]


@admin.register(Stock)
class StockAdmin(ReadOnly, LinksToStock):
    """Units change by movements only, so its page links to the one that writes such a movement."""

    list_display = ["product", "location", "on_hand", "reserved", "available", "as_of"]
    list_select_related = ["product"]
    search_fields = ["product__sku", "product__name"]

    def product_id(self, shown: Any) -> int:
        return int(shown.product_id)


@admin.register(StockMovement)
class StockMovementAdmin(ReadOnly):
    list_display = ["created_at", "product", "kind", "quantity", "reference", "actor", "note"]
    list_filter = ["kind", "created_at"]
    list_select_related = ["stock__product"]
    ordering = ["-id"]
    search_fields = ["=reference", "stock__product__sku"]

    @admin.display(description="product", ordering="stock__product__sku")
    def product(self, movement: StockMovement) -> str:
        return str(movement.stock.product)


@admin.register(Reservation)
class ReservationAdmin(ReadOnly):
    list_display = ["reference", "product", "quantity", "state", "expires_at", "created_at"]
    list_filter = ["state", "expires_at"]
    list_select_related = ["stock__product"]
    ordering = ["-id"]
    search_fields = ["=reference", "stock__product__sku"]

    @admin.display(description="product", ordering="stock__product__sku")
    def product(self, reservation: Reservation) -> str:
        return str(reservation.stock.product)


@admin.register(LowStockAlert)
class LowStockAlertAdmin(ReadOnly):
    list_display = ["product", "units", "limit_units", "crossed_at", "recovered_at"]
    list_filter = [("recovered_at", admin.EmptyFieldListFilter), "crossed_at"]
    list_select_related = ["product"]
    search_fields = ["product__sku", "product__name"]


admin.site.register(Delivery, DeliveryAdmin)
admin.site.register(Supplier, SupplierAdmin)
admin.site.register(SyncRun, SyncRunAdmin)
