"""The provider as a WSGI application: Django's requests and URLs, none of the shop's middleware.

The process runs with the shop's settings, whose sessions, cookies and HTML error pages have no
place in a payment API. So this is not Django's handler but the little that is left without them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import InterfaceError, OperationalError, close_old_connections, connections
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from orders.sandbox.errors import Failed, NotFound, Problem, Unavailable
from orders.sandbox.views import Unanswered

logger = logging.getLogger(__name__)

URLS = "orders.sandbox.urls"

# Where the server puts a function that waits for some seconds, or until the client is gone.
WAIT = "sandbox.wait"


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    close_old_connections()
    request = WSGIRequest(environ)
    response = respond(request)
    if request.method == "POST" and settings.SANDBOX_ANSWER_S:
        environ[WAIT](settings.SANDBOX_ANSWER_S)
    if isinstance(response, Unanswered):
        connections.close_all()  # everything is committed; waiting needs no connection
        environ[WAIT](settings.SANDBOX_HANG_S)
    response["Content-Length"] = str(len(response.content))
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return response


def respond(request: HttpRequest) -> HttpResponse:
    """The answer to a request; whatever goes wrong is one too."""
    try:
        match = resolve(request.path_info, urlconf=URLS)
        response: HttpResponse = match.func(request, **match.kwargs)
        return response
    except Resolver404:
        return _refusal(NotFound("There is nothing at this address."))
    except Problem as problem:
        return _refusal(problem)
    except (OperationalError, InterfaceError) as error:
        logger.warning("PostgreSQL failed: %s", error)
        return _refusal(Unavailable("The provider can't reach its books."))
    except Exception:  # a server must outlive the bug of one answer
        logger.exception("%s %s failed", request.method, request.path_info)
        return _refusal(Failed("The provider failed."))


def _refusal(problem: Problem) -> HttpResponse:
    return HttpResponse(
        problem.body,
        status=problem.status,
        headers={"Content-Type": "application/json", **problem.headers},
    )
