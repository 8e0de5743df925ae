"""The admin's page of a product's stock over time."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from inventory import history
from inventory.models import Product

PERMISSION = "inventory.view_stockmovement"
DAYS = (7, 30, 90, 365)
LISTED = 50
"""Movements in the table under the chart; all are in the list of movements."""


@require_safe
def history_page(request: HttpRequest, product_id: int, *, site: AdminSite) -> HttpResponse:
    """Only with the permission to see movements."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    product = get_object_or_404(Product, pk=product_id)
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, DAYS) else DAYS[1]
    levels = history.levels(product.pk, days=days)
    context = {
        **site.each_context(request),
        "title": f"The stock of {product}",
        "product": product,
        "days": days,
        "choices": DAYS,
        "chart": history.chart(levels, now=timezone.now()),
        "levels": levels[: -LISTED - 1 : -1],
        "width": history.WIDTH,
        "height": history.HEIGHT,
        "margin": history.MARGIN,
        "right": history.WIDTH - history.MARGIN,
        "bottom": history.HEIGHT - history.MARGIN,
    }
    return render(request, "inventory/admin/history.html", context)
