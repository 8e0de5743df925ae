"""Names whoever enqueues a job while a request is answered, and the request itself."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tasks.context import calling

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")

HEADER = "X-Request-ID"
ACCEPTABLE = re.compile(r"[A-Za-z0-9_.-]{8,64}")
"""What a proxy or client may choose: safe in logs and headers, and it fits the ledger."""


class Callers:
    """Jobs enqueued by a request carry `user:3` or `guest` and the request's correlation id.

    The id is the request's X-Request-ID when that is acceptable, else a new one; the answer names
    it, and each log line. Reading requests enqueue nothing, so they are spared the look at the
    session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        correlation_id = _chosen(request) or uuid.uuid4().hex
        with calling(name=_name(request), correlation_id=correlation_id):
            answer = self.get_response(request)
        answer.headers[HEADER] = correlation_id
        return answer


def _name(request: HttpRequest) -> str:
    if request.method in SAFE_METHODS:
        return ""
    return f"user:{request.user.pk}" if request.user.is_authenticated else "guest"


def _chosen(request: HttpRequest) -> str:
    given = request.headers.get(HEADER, "")
    return given if ACCEPTABLE.fullmatch(given) else ""
