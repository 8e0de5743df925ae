"""One product's page, and putting it into the cart."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from inventory import catalogue
from inventory.catalogue import CatalogueProduct
from orders.placing import MAX_QUANTITY
from shop.storefront.cart import MAX_LINES, Cart, CartFull
from shop.storefront.forms import QuantityForm
from shop.storefront.pricing import obstacle


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, sku: str) -> HttpResponse:
    product = catalogue.get_product(sku)
    if product is None:
        raise Http404(sku)
    cart = Cart(request.session)
    form = QuantityForm(
        request.POST if request.method == "POST" else None,
        initial={"quantity": 1},
        most=product.available,
    )
    if request.method == "POST" and _add(cart, product, form):
        messages.success(request, f"{product.name} is in your cart.")
        return redirect("cart")
    context = {
        "product": product,
        "form": form,
        "in_cart": cart.quantity(sku),
        "max_quantity": MAX_QUANTITY,
    }
    return render(request, "shop/product.html", context, status=400 if form.errors else 200)


def _add(cart: Cart, product: CatalogueProduct, form: QuantityForm) -> bool:
    """Put the units of a valid form into the cart; else say on the form what is wrong."""
    if not form.is_valid():
        return False
    wanted = cart.quantity(product.sku) + form.cleaned_data["quantity"]
    if problem := obstacle(wanted=wanted, available=product.available):
        form.add_error("quantity", problem)
        return False
    try:
        cart.put(product.sku, wanted)
    except CartFull:
        form.add_error(None, f"Your cart holds {MAX_LINES} products, the most for one order.")
        return False
    return True
