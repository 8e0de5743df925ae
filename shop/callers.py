"""Names whoever enqueues a job while a request is answered."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tasks.context import calling

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


class Callers:
    """Jobs enqueued by a request carry `user:3` or `guest` and an id of the request.

    Reading requests enqueue nothing, so they are spared the look at the session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in SAFE_METHODS:
            return self.get_response(request)
        name = f"user:{request.user.pk}" if request.user.is_authenticated else "guest"
        with calling(name=name, correlation_id=uuid.uuid4().hex):
            return self.get_response(request)
