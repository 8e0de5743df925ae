"""Orders for operators: everything to read, little to write, and actions that call the services.

States, totals, lines, events and payments are written by the services alone, so they are read-only
here. Actions come as POST from the list; each asks for its permission, and asks again per run.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern

from orders import deeds, why_page
from orders.deeds import REASON_CHARS, Deed
from orders.models import Order, OrderEvent, OrderLine, Payment
from orders.money import format_minor
from tasks import audit_log
from tasks.model_admin import ActionForm, ModelAdmin, TabularInline


class ReasonForm(ActionForm):
    """Lets an operator say why; the reason goes to the order's timeline."""

    reason = forms.CharField(required=False, max_length=REASON_CHARS, label="Reason")


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see an order may see all of it."""
        return request.user.has_perm("orders.view_order")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LineInline(ReadOnlyInline):
    model = OrderLine
    fields = ("sku", "name", "quantity", "unit_price", "total")
    readonly_fields = ("unit_price", "total")

    @admin.display(description="unit price")
    def unit_price(self, line: OrderLine) -> str:
        return format_minor(line.unit_price_minor, line.order.currency)

    @admin.display(description="total")
    def total(self, line: OrderLine) -> str:
        return format_minor(line.total_minor, line.order.currency)


class PaymentInline(ReadOnlyInline):
    model = Payment
    fields = ("state", "amount", "provider", "provider_reference", "captured_at", "refunded_at")
    readonly_fields = ("amount",)

    @admin.display(description="amount")
    def amount(self, payment: Payment) -> str:
        return format_minor(payment.amount_minor, payment.currency)


class EventInline(ReadOnlyInline):
    model = OrderEvent
    verbose_name_plural = "timeline"
    fields = ("created_at", "kind", "message", "actor", "job_id")
    readonly_fields = ("created_at",)


@admin.register(Order)
class OrderAdmin(ModelAdmin):
    action_form = ReasonForm
    change_form_template = "orders/admin/order.html"
    actions = ("cancel_orders", "refund_orders", "resend_emails")
    date_hierarchy = "placed_at"
    inlines = (LineInline, PaymentInline, EventInline)
    list_display = ("id", "state", "email", "total", "payment_state", "source", "placed_at")
    list_filter = ("state", "payment__state", "currency", "placed_at")
    list_select_related = ("payment",)
    ordering = ("-id",)
    search_fields = (
        "=id",
        "=code",
        "email",
        "=source",
        "lines__sku",
        "=payment__provider_reference",
    )
    show_full_result_count = False  # counting a large table twice a page costs more than it tells

    # A wrong address may be put right, so that an e-mail can be sent again. Nothing else.
    fields = (
        "id", "code", "state", "failure", "email", "user", "total", "payment_method", "source",
        "placed_at", "updated_at",
    )  # fmt: skip
    readonly_fields = tuple(name for name in fields if name != "email")

    def get_urls(self) -> list[URLPattern]:
        return [*why_page.urls(self), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_cancel_order_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.cancel_order")

    def has_refund_order_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.refund_order")

    def has_resend_email_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.resend_email")

    @admin.display(description="total", ordering="total_minor")
    def total(self, order: Order) -> str:
        return format_minor(order.total_minor, order.currency)

    @admin.display(description="payment", ordering="payment__state")
    def payment_state(self, order: Order) -> str:
        return order.payment.get_state_display()

    def save_model(self, request: HttpRequest, obj: Order, form: Any, change: bool) -> None:
        """Write the address alone: the rest may have moved on since the page was read."""
        obj.save(update_fields=["email", "updated_at"])
        if "email" in form.changed_data:
            audit_log.record(
                actor=audit_log.user(request.user),
                action="order.change_email",
                subject=obj.reference,
            )

    @admin.action(description="Cancel the order", permissions=["cancel_order"])
    def cancel_orders(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self._each(request, queryset, deeds.CANCEL, "cancelled")

    @admin.action(description="Give the money back", permissions=["refund_order"])
    def refund_orders(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self._each(request, queryset, deeds.REFUND, "to be refunded")

    @admin.action(description="Send the last e-mail again", permissions=["resend_email"])
    def resend_emails(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self._each(request, queryset, deeds.RESEND, "to be written to again")

    def _each(self, request: HttpRequest, orders: QuerySet[Order], deed: Deed, done: str) -> None:
        reason = request.POST.get("reason", "")
        chosen = list(orders.order_by("pk"))
        answers = [
            deeds.do(deed, order=order, person=request.user, reason=reason) for order in chosen
        ]
        problems = [answer for answer in answers if answer]
        count = len(chosen) - len(problems)
        if count:
            self.message_user(request, f"{count} orders {done}.", messages.SUCCESS)
        for problem in problems:
            self.message_user(request, problem, messages.WARNING)
