"""The admin's page for correcting what is on hand, as after a stocktaking."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from inventory import stock
from inventory.errors import InventoryError
from inventory.models import DEFAULT_LOCATION, Product, Stock, StockMovement
from tasks import audit_log
from tasks.locks import LockError

PERMISSION = "inventory.adjust_stock"
TRY_AGAIN = "The stock is busy or its locks can't be reached. Nothing was changed; try again."


class AdjustForm(forms.Form):
    """One correction. `wish` makes a form that is sent twice count once."""

    quantity = forms.IntegerField(
        min_value=-stock.MAX_UNITS,
        max_value=stock.MAX_UNITS,
        help_text="Units to add (12) or to take away (-3).",
    )
    reason = forms.CharField(max_length=200, help_text="Why; it stays with the movement.")
    wish = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)

    def clean_quantity(self) -> int:
        quantity: int = self.cleaned_data["quantity"]
        if quantity == 0:
            raise forms.ValidationError("Give the units to add or to take away.")
        return quantity


def adjust_page(request: HttpRequest, product_id: int, *, site: AdminSite) -> HttpResponse:
    """GET shows the form, POST adjusts. Only with the permission `inventory.adjust_stock`."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    product = get_object_or_404(Product, pk=product_id)
    form = AdjustForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        movement = _adjust(request, product, form)
        if movement:
            messages.success(request, f"{product}: {movement.quantity:+,d} units.")
            page = reverse("admin:inventory_stock_change", args=[movement.stock_id])
            return HttpResponseRedirect(page)
    row = Stock.objects.filter(product=product, location=DEFAULT_LOCATION).first()
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": f"Adjust the stock of {product}",
        "product": product,
        "on_hand": row.on_hand if row else 0,
        "reserved": row.reserved if row else 0,
        "form": form,
    }
    status = 400 if form.errors else 200
    return render(request, "inventory/admin/adjust.html", context, status=status)


def _adjust(request: HttpRequest, product: Product, form: AdjustForm) -> StockMovement | None:
    """The movement, or None with what was in the way said on the form."""
    try:
        return stock.adjust(
            product_id=product.pk,
            quantity=form.cleaned_data["quantity"],
            reference=f"admin:{form.cleaned_data['wish']}",
            note=form.cleaned_data["reason"],
            actor=request.user.get_username(),
            audited_as=audit_log.user(request.user),
            once=True,
        )
    except InventoryError as error:
        form.add_error("quantity", str(error))
    except LockError:
        form.add_error(None, TRY_AGAIN)
    return None
