"""The customers' addresses."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from shop.storefront.views import account, cart, catalogue, checkout, order, product

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
