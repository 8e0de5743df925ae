"""The addresses of sales. The converter of SKUs is registered by the storefront's."""

from __future__ import annotations

from django.urls import path

from shop.sale import views

urlpatterns = [
    path("<sku:sku>/score", views.score, name="sale-score"),
    path("<sku:sku>/", views.show, name="sale"),
]
