"""What goes wrong in an operation, as problems."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError

from shop.api.problems import (
    Flaw,
    Invalid,
    Limited,
    Problem,
    TooLarge,
    Unauthorized,
    Unavailable,
    problem_response,
)

logger = logging.getLogger(__name__)

MOST_FLAWS = 20


def handle_problems(api: NinjaAPI) -> None:
    """Whatever else is raised, Django logs, and `shop.api.middleware` answers."""
    api.add_exception_handler(Problem, _problem)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(AuthenticationError, _nobody)
    api.add_exception_handler(Throttled, _too_many)
    api.add_exception_handler(HttpError, _http_error)
    api.add_exception_handler(RequestDataTooBig, _too_large)
    api.add_exception_handler(OperationalError, _no_database)
    api.add_exception_handler(InterfaceError, _no_database)


def _problem(request: HttpRequest, problem: Any) -> HttpResponse:
    response: HttpResponse = problem.response()
    return response


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    """Says where and why, and not what was sent: that may be personal."""
    flaws = [
        Flaw(where=_where(flaw["loc"]), message=str(flaw["msg"]))
        for flaw in error.errors[:MOST_FLAWS]
    ]
    return Invalid("Some of the request can't be used.", flaws).response()


def _where(steps: Sequence[object]) -> str:
    """Without the name that the body has in our code."""
    shown = (steps[0], *steps[2:]) if steps[0] == "body" else steps
    return ".".join(str(step) for step in shown)


def _nobody(request: HttpRequest, error: Any) -> HttpResponse:
    return Unauthorized("Send Authorization: Bearer and an API key, or sign in.").response()


def _too_many(request: HttpRequest, error: Any) -> HttpResponse:
    verdict = request.rate_limit  # type: ignore[attr-defined]
    return Limited(retry_after_s=math.ceil(verdict.wait_s)).response()


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    """django-ninja's own, such as a body that is no JSON."""
    return problem_response(HTTPStatus(error.status_code), f"{error}.")


def _too_large(request: HttpRequest, error: Any) -> HttpResponse:
    return TooLarge("The body is larger than any order.").response()


def _no_database(request: HttpRequest, error: Any) -> HttpResponse:
    logger.warning("PostgreSQL failed: %s", type(error).__name__)
    return Unavailable("The shop can't reach its books. Ask again in a moment.").response()
