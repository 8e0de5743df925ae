"""The cart's page."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from orders.placing import MAX_QUANTITY
from shop.storefront.cart import MAX_LINES, Cart
from shop.storefront.forms import QuantityForm
from shop.storefront.pricing import Line, obstacle, price


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    return _page(request, Cart(request.session))


@require_POST
def change(request: HttpRequest, sku: str) -> HttpResponse:
    """Set one line's quantity. What can't be is said beside the line."""
    cart = Cart(request.session)
    line = next((line for line in price(cart).lines if line.sku == sku), None)
    if line is None or line.product is None:  # removed meanwhile, in another window
        return redirect("cart")
    form = QuantityForm(request.POST)
    if form.is_valid():
        wanted = form.cleaned_data["quantity"]
        problem = obstacle(wanted=wanted, available=line.available)
        if not problem:
            cart.put(sku, wanted)
            messages.success(request, f"{line.name}: {wanted:,} in your cart.")
            return redirect("cart")
        form.add_error("quantity", problem)
    return _page(request, cart, refused={sku: form})


@require_POST
def remove(request: HttpRequest, sku: str) -> HttpResponse:
    cart = Cart(request.session)
    line = next((line for line in price(cart).lines if line.sku == sku), None)
    if line is not None:
        cart.remove(sku)
        messages.success(request, f"{line.name} is not in your cart any more.")
    return redirect("cart")


def _page(
    request: HttpRequest, cart: Cart, refused: Mapping[str, QuantityForm] | None = None
) -> HttpResponse:
    """The cart, with the forms by SKU that were refused as they were sent."""
    refused = refused or {}
    priced = price(cart)
    rows = [(line, refused.get(line.sku) or _quantity_form(line)) for line in priced.lines]
    for number, (_, form) in enumerate(rows):
        form.auto_id = f"id_{number}_%s"  # unique in the page, which has a form for each line
    limits = {"max_quantity": MAX_QUANTITY, "max_lines": MAX_LINES}
    context = {"priced": priced, "rows": rows, **limits}
    return render(request, "shop/cart.html", context, status=400 if refused else 200)


def _quantity_form(line: Line) -> QuantityForm:
    return QuantityForm(initial={"quantity": line.quantity}, most=line.most)
