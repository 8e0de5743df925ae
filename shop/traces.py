"""The first span of a trace: a request, by its route and not by its path (`shop.access_log`)."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from shop.access_log import route_of
from shop.callers import HEADER
from tasks import tracing


class Traces:
    """Goes on with the trace that a `traceparent` names. Costs nothing while traces are off."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        method = str(request.method)
        parent = request.headers.get("traceparent")
        with tracing.span(method, "server", {"http.request.method": method}, parent=parent) as span:
            answer = self.get_response(request)
            if span is not tracing.NOTHING:
                _describe(span, request, answer)
        return answer


def _describe(span: tracing.Span, request: HttpRequest, answer: HttpResponse) -> None:
    route = route_of(request)
    attributes = {
        "http.route": route,
        "http.response.status_code": answer.status_code,
        "messaging.message.conversation_id": answer.headers.get(HEADER),
    }
    span.note(attributes, name=f"{request.method} {route}")
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.failed(str(answer.status_code))
