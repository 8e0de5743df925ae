"""Addresses of the provider. It is a process of its own; the shop's URLs don't include them."""

from django.urls import path

from orders.sandbox import views

urlpatterns = [
    path("charges", views.charges),
    path("charges/<slug:reference>", views.charge),
    path("refunds", views.refunds),
    path("refunds/<slug:reference>", views.refund),
    path("counts", views.counts),
    path("healthz", views.healthz),
]
