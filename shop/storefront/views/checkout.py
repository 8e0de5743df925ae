"""From a cart to an order, as a guest or a signed-in customer."""

from __future__ import annotations

from django.db import transaction
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


class TotalChanged(Exception):
    """Prices have changed since the customer saw the total. Say so and ask again."""

    def __init__(self, order: Order) -> None:
        self.total_minor = order.total_minor
        total = format_minor(order.total_minor, order.currency)
        super().__init__(
            f"The total has changed to {total}. Please look at your order and send it again."
        )


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
    if not form.is_valid():
        return _page(request, form, priced)
    try:
        order = _place(request, form, priced)
    except OrderRefused as refused:
        _explain(refused, form, priced)
        return _page(request, form, priced)
    except TotalChanged as changed:
        form.add_error(None, str(changed))
        return _page(request, form, priced, shown_minor=changed.total_minor)
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
    return []


def _place(request: HttpRequest, form: CheckoutForm, priced: PricedCart) -> Order:
    """The order at the total that the customer has seen. Raises `OrderRefused`, `TotalChanged`."""
    checkout = checkout_session.read(request.session)
    with transaction.atomic():
        order = place_order(
            email=form.cleaned_data["email"],
            lines=[LineRequest(line.sku, line.quantity) for line in priced.lines],
            payment_method=form.cleaned_data["payment_method"],
            user=request.user if request.user.is_authenticated else None,
            source=checkout_session.source_of(form.cleaned_data["token"]),
        )
        if checkout is None or order.total_minor != checkout.shown_minor:
            raise TotalChanged(order)  # and nothing was ordered
    return order


def _explain(refused: OrderRefused, form: CheckoutForm, priced: PricedCart) -> None:
    """Put each reason where the customer looks for it."""
    names = {line.sku: line.name for line in priced.lines}
    for key, message in refused.errors.items():
        field = key if key in form.fields and key != "token" else None
        form.add_error(field, f"{names[key]}: {message}" if key in names else message)


def _page(
    request: HttpRequest, form: CheckoutForm, priced: PricedCart, shown_minor: int | None = None
) -> HttpResponse:
    """The form with the token of this session's checkout, whichever one was sent."""
    shown = priced.total_minor if shown_minor is None else shown_minor
    checkout = checkout_session.show(request.session, total_minor=shown)
    context = {"form": form, "token": checkout.token, "priced": priced}
    return render(request, "shop/checkout.html", context, status=400 if form.errors else 200)
