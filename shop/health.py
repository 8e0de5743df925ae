"""What a load balancer asks: does the process live, and can it take orders?

An order needs PostgreSQL and nothing else: its job waits in the ledger until RabbitMQ and Redis are
back. So only PostgreSQL decides about readiness; the others are reported as degraded.
Answers name no host and no error: the page is public, the reasons are in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu import Connection
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

TIMEOUT_S = 2
"""For each probe. Balancers commonly wait 5 s, and libpq knows no shorter connect timeout."""


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process can answer; a failure means: restart it."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when orders can be placed (`ready` or `degraded`), else 503 (`unavailable`)."""
    parts = probe_all()
    if not parts["postgresql"]:
        status = "unavailable"
    else:
        status = "ready" if all(parts.values()) else "degraded"
    body = {"status": status, **{name: "ok" if up else "down" for name, up in parts.items()}}
    return JsonResponse(body, status=503 if status == "unavailable" else 200)


def probe_all() -> dict[str, bool]:
    """Which parts answer. All are asked at once, so it takes as long as the slowest probe."""
    probes: dict[str, Callable[[], None]] = {
        "postgresql": _Postgresql(),
        "rabbitmq": _probe_rabbitmq,
        "redis": _probe_redis,
    }
    with ThreadPoolExecutor(max_workers=len(probes)) as pool:
        return dict(zip(probes, pool.map(_answers, probes, probes.values()), strict=True))


def _answers(name: str, probe: Callable[[], None]) -> bool:
    try:
        probe()
    except Exception as error:  # whatever it is, the part can't be used
        logger.warning("%s does not answer: %s", name, error)
        return False
    return True


class _Postgresql:
    """Asks on a connection of its own: the request's one may be old, and hangs without limits.

    Made in the request's thread, since Django's connections belong to one thread each.
    """

    def __init__(self) -> None:
        self.params = connection.get_connection_params()

    def __call__(self) -> None:
        limits = {"connect_timeout": TIMEOUT_S, "tcp_user_timeout": TIMEOUT_S * 1000}
        wanted = {name: self.params[name] for name in _LIBPQ if self.params.get(name)}
        with psycopg.connect(**{**wanted, **limits}) as fresh:
            fresh.execute("SELECT 1")


_LIBPQ = ("dbname", "user", "password", "host", "port", "sslmode", "sslrootcert", "service")
"""What of Django's connection parameters says where the server is."""


def _probe_rabbitmq() -> None:
    with Connection(settings.CELERY_BROKER_URL, connect_timeout=TIMEOUT_S) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=TIMEOUT_S)


def _probe_redis() -> None:
    for url in {settings.REDIS_URL, settings.JOBS_REDIS_URL, settings.LOCKS_REDIS_URL}:
        with redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            client.ping()
