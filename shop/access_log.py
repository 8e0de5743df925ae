"""One log line for each request, without what it says about a person.

A web server's own access log has the client's address and the whole path, and an order's path holds
the code that opens its page. Here the address isn't read, and the path is the pattern that it
matched: `/orders/<code:code>/`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from shop.callers import HEADER
from tasks.context import calling

logger = logging.getLogger(__name__)

UNKNOWN = "(unknown)"


class AccessLog:
    """Comes first, so that it sees every answer, whoever makes it.

    The time is that until the answer begins: a stream of events goes on after its line.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = perf_counter()
        answer = self.get_response(request)
        details = {
            "method": request.method,
            "route": route_of(request),
            "status": answer.status_code,
            "duration_ms": round((perf_counter() - began) * 1000, 1),
        }
        with calling(correlation_id=answer.headers.get(HEADER, "")):
            logger.info(
                "%(method)s %(route)s %(status)d %(duration_ms).1f ms",
                details,
                extra={"details": details},
            )
        return answer


def route_of(request: HttpRequest) -> str:
    """The pattern of the request's path, never the path itself."""
    match = request.resolver_match
    if match is None:  # answered before Django came to look for a view
        if request.path_info.startswith(settings.STATIC_URL):
            return f"{settings.STATIC_URL}…"
        try:
            match = resolve(request.path_info)
        except Resolver404:
            return UNKNOWN
    return f"/{match.route}"
