"""What Prometheus asks: `/metrics`, for whoever has METRICS_TOKEN.

    scrape_configs:
      - job_name: shop
        authorization: {credentials_file: /etc/prometheus/shop-token}

All numbers are in PostgreSQL and Redis, so it doesn't matter which web answers.
"""

from __future__ import annotations

from hmac import compare_digest

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from tasks.locks.prometheus import LockCollector
from tasks.prometheus import LedgerCollector


def registry() -> CollectorRegistry:
    """Everything this shop tells Prometheus."""
    found = CollectorRegistry()
    found.register(LedgerCollector())
    found.register(LockCollector())
    return found


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """404 unless METRICS_TOKEN is set, 401 without it; else the numbers, whatever is down."""
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.METRICS_TOKEN.encode()
    if scheme.lower() != "bearer" or not compare_digest(token.strip().encode(), expected):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_PLAIN_0_0_4)
