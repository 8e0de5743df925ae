"""From a cart to an order, as a guest or a signed-in customer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from orders.errors import OrderRefused
from orders.models import Order
from orders.money import format_minor
from orders.placing import LineRequest, place_order
from shop.storefront import checkout_session
from shop.storefront.cart import Cart
from shop.storefront.forms import CheckoutForm
from shop.storefront.pricing import PricedCart, price


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _submit(request)
    priced = price(Cart(request.session))
    if not priced.lines:
        return redirect("cart")
    email = request.user.email if request.user.is_authenticated else ""
    return _page(request, CheckoutForm(initial={"email": email}), priced)


def _submit(request: HttpRequest) -> HttpResponse:
    """Place the order, or show the form again with everything that is wrong with it."""
    placed = _placed_before(request.POST.get("token", ""))
    if placed is not None:
        return redirect("order", placed.code)
    priced = price(Cart(request.session))
    form = CheckoutForm(request.POST, problems=_problems(request, priced))
    order = _place(request, form, priced) if form.is_valid() else None
    if order is None:
        return _page(request, form, priced)
    Cart(request.session).clear()
    checkout_session.finish(request.session)
    return redirect("order", order.code)


def _placed_before(token: str) -> Order | None:
    """The order of a form that was sent before: a double click, or "back" and again."""
    if not token.isascii() or not token.isprintable() or not token:
        return None
    return Order.objects.filter(source=checkout_session.source_of(token)).first()


def _problems(request: HttpRequest, priced: PricedCart) -> list[str]:
    """What stands in the way besides the form's own fields."""
    if not priced.lines:
        return ["Your cart is empty. There is nothing to order."]
    if priced.problems:
        return priced.problems
    checkout = checkout_session.read(request.session)
    if checkout is None or checkout.token != request.POST.get("token"):
        return ["This page was out of date. Please look at your order and send it again."]
    if checkout.shown_minor != priced.total_minor:
        total = format_minor(priced.total_minor, priced.currency)
        return [f"The total has changed to {total}. Please look at your order and send it again."]
    return []


def _place(request: HttpRequest, form: CheckoutForm, priced: PricedCart) -> Order | None:
    """The order, or None with the reasons of the refusal on the form."""
    try:
        return place_order(
            email=form.cleaned_data["email"],
            lines=[LineRequest(line.sku, line.quantity) for line in priced.lines],
            payment_method=form.cleaned_data["payment_method"],
            user=request.user if request.user.is_authenticated else None,
            source=checkout_session.source_of(form.cleaned_data["token"]),
        )
    except OrderRefused as refused:
        names = {line.sku: line.name for line in priced.lines}
        for key, message in refused.errors.items():
            if key in ("email", "payment_method"):
                form.add_error(key, message)
            else:
                form.add_error(None, f"{names[key]}: {message}" if key in names else message)
        return None


def _page(request: HttpRequest, form: CheckoutForm, priced: PricedCart) -> HttpResponse:
    """The form with the token of this session's checkout, whichever one was sent."""
    checkout = checkout_session.show(request.session, total_minor=priced.total_minor)
    context = {"form": form, "token": checkout.token, "priced": priced}
    return render(request, "shop/checkout.html", context, status=400 if form.errors else 200)
