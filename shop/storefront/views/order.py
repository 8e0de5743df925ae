"""The page of one order, for whoever knows its unguessable code."""

from __future__ import annotations

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from orders.models import Order
from shop.storefront.cart import Cart, CartFull
from shop.storefront.progress import progress_of


@never_cache
@require_safe
def show(request: HttpRequest, code: str) -> HttpResponse:
    order = get_object_or_404(Order, code=code)
    return render(request, "shop/order.html", {"order": order, "progress": progress_of(order)})


@never_cache
@require_safe
def timeline(request: HttpRequest, code: str) -> JsonResponse:
    """`shop.storefront.progress.Progress` as JSON."""
    return JsonResponse(asdict(progress_of(get_object_or_404(Order, code=code))))


@require_POST
def again(request: HttpRequest, code: str) -> HttpResponse:
    """Put the goods of a failed order back into the cart, to try another card."""
    order = get_object_or_404(Order, code=code, state=Order.State.FAILED)
    cart = Cart(request.session)
    try:
        for line in order.lines.all():
            cart.put(line.sku, line.quantity)
    except CartFull:
        messages.warning(request, "Your cart is full; some items were left out.")
    return redirect("cart")
