"""Below `/webhooks/payments/`."""

from __future__ import annotations

from django.urls import path

from shop.webhooks import payments

urlpatterns = [
    path("sandbox", payments.sandbox, name="webhook-sandbox"),
    path("stripe", payments.stripe, name="webhook-stripe"),
]
