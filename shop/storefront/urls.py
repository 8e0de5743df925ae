"""The customers' addresses."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path, register_converter

from shop.storefront.views import account, cart, catalogue, checkout, order, product


class SkuConverter:
    """Any SKU a product can have, slashes included; PostgreSQL's text knows no NUL."""

    regex = r"[^\x00]{1,40}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class OrderCodeConverter(SkuConverter):
    """What `orders.models.new_order_code` makes."""

    regex = r"[A-Za-z0-9_-]{1,32}"


register_converter(SkuConverter, "sku")
register_converter(OrderCodeConverter, "code")

urlpatterns = [
    path("", catalogue.show, name="catalogue"),
    path("products/<sku:sku>/", product.show, name="product"),
    path("cart/", cart.show, name="cart"),
    path("cart/<sku:sku>/remove/", cart.remove, name="cart-remove"),
    path("cart/<sku:sku>/", cart.change, name="cart-line"),
    path("checkout/", checkout.show, name="checkout"),
    path("orders/<code:code>/", order.show, name="order"),
    path("orders/<code:code>/timeline", order.timeline, name="order-timeline"),
    path("orders/<code:code>/again/", order.again, name="order-again"),
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/orders/", account.orders, name="account"),
    path("accounts/register/", account.register, name="register"),
]
