"""Every address of the shop."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from inventory import webhooks
from shop import converters, health, metrics
from shop.api.application import api

converters.register()

admin.site.index_title = "Start"
admin.site.index_template = "shop/console/start.html"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("webhooks/stock/<slug:name>", webhooks.stock, name="stock_webhook"),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("webhooks/payments/", include("shop.webhooks.urls")),
    path("", include("shop.storefront.urls")),
    path("sales/", include("shop.sale.urls")),
]
