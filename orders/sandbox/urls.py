"""URLs of the sandbox provider's own process (`manage.py sandbox_payments`)."""

from django.urls import path

from orders.sandbox import views

urlpatterns = [
    path("charges", views.charges),
    path("charges/<str:charge_id>", views.charge),
    path("refunds", views.refunds),
    path("totals", views.totals),
]
