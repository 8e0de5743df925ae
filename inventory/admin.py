"""Products, stock and sync runs for the people who run the shop.

What services write (stock, movements, reservations, sync runs) is read-only here. Actions and the
adjust page change something by POST only, and each asks for its permission.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from inventory import adjusting
from inventory.models import Product, Reservation, Stock, StockMovement, SyncRowError, SyncRun
from inventory.supplier_admin import DeliveryAdmin, SupplierAdmin
from tasks.records import RecordAdmin

__all__ = ["DeliveryAdmin", "SupplierAdmin"]  # they register themselves

if TYPE_CHECKING:  # only the type stubs know these classes' parameters
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[SyncRowError, SyncRun]
else:
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline


class ReadOnly(RecordAdmin):
    """A record that services write."""

    show_full_result_count = False  # counting a large table twice a page costs more than it tells


class LinksToAdjust(ModelAdmin):
    """A page that leads to the one for adjusting its product's stock."""

    change_form_template = "inventory/admin/with_adjust.html"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        shown = self.get_object(request, object_id)
        links: dict[str, Any] = {"may_adjust": False}
        if shown is not None and request.user.has_perm(adjusting.PERMISSION):
            url = reverse("admin:inventory_adjust", args=[self.product_id(shown)])
            links = {"may_adjust": True, "adjust_url": url}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **links})

    def product_id(self, shown: Any) -> int:
        raise NotImplementedError


@admin.register(Product)
class ProductAdmin(LinksToAdjust):
    list_display = ["sku", "name", "price_minor", "currency", "is_active"]
    list_filter = ["is_active", "currency"]
    search_fields = ["sku", "name"]

    def product_id(self, shown: Any) -> int:
        return int(shown.pk)

    def get_urls(self) -> list[URLPattern]:
        page = partial(adjusting.adjust_page, site=self.admin_site)
        view = self.admin_site.admin_view(page)
        return [
            path("<int:product_id>/adjust/", view, name="inventory_adjust"),
            *super().get_urls(),
        ]


@admin.register(Stock)
class StockAdmin(ReadOnly, LinksToAdjust):
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


class RowErrorInline(TabularInline):
    model = SyncRowError
    fields = ["line", "sku", "reason"]
    can_delete = False
    extra = 0
    verbose_name_plural = "rows that could not be used"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnly):
    list_display = [
        "supplier", "state", "rows_done", "rows_total", "changed", "unchanged", "outdated",
        "failed", "started_at", "finished_at",
    ]  # fmt: skip
    list_filter = ["state", "supplier"]
    list_select_related = ["supplier"]
    inlines = [RowErrorInline]
