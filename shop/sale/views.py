"""The page of a sale. It keeps itself fresh; without JavaScript it is loaded again."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from inventory.models import Product
from shop.sale.score import score_of

PERMISSION = "orders.view_order"


@never_cache
@require_safe
@login_required
@permission_required(PERMISSION, raise_exception=True)
def show(request: HttpRequest, sku: str) -> HttpResponse:
    product = get_object_or_404(Product, sku=sku)
    return render(request, "shop/sale.html", {"product": product, "score": score_of(product)})


@never_cache
@require_safe
@login_required
@permission_required(PERMISSION, raise_exception=True)
def score(request: HttpRequest, sku: str) -> JsonResponse:
    """`shop.sale.score.Score` as JSON."""
    return JsonResponse(score_of(get_object_or_404(Product, sku=sku)).as_json())
