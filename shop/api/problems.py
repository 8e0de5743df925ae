"""Every answer of the API that is not what was asked for, as RFC 9457 has it.

    HTTP/1.1 409 Conflict
    Content-Type: application/problem+json

    {"type": "urn:shop:problem:in-flight", "title": "Still being worked on", "status": 409,
     "detail": "A request with this Idempotency-Key is being worked on. Ask again in a second."}

`type` is for programs, `detail` for people, `errors` tells which parts of the request are wrong.
Raised anywhere below an operation; `shop.api.handlers` and `shop.api.middleware` make the answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus

from django.http import HttpResponse

MEDIA_TYPE = "application/problem+json"
GENERAL = "about:blank"


@dataclass(frozen=True)
class Flaw:
    """One part of the request that can't be used: where it is, and why."""

    where: str
    message: str


class Problem(Exception):
    """Base of the API's errors: nothing of the request has happened."""

    status = HTTPStatus.BAD_REQUEST
    kind = GENERAL
    title = ""
    headers: Mapping[str, str] = {}

    def __init__(self, detail: str, errors: Sequence[Flaw] = ()) -> None:
        self.detail = detail
        self.errors = errors
        super().__init__(detail)

    def response(self) -> HttpResponse:
        return problem_response(
            self.status,
            self.detail,
            kind=self.kind,
            title=self.title,
            errors=self.errors,
            headers=self.headers,
        )


class Unauthorized(Problem):
    """Nobody, or nobody we know, is asking."""

    status = HTTPStatus.UNAUTHORIZED
    headers = {"WWW-Authenticate": 'Bearer realm="shop"'}


class Forbidden(Problem):
    """We know who is asking, and they may not do this."""

    status = HTTPStatus.FORBIDDEN


class NotFound(Problem):
    """There is no such thing, or none that the caller may know of."""

    status = HTTPStatus.NOT_FOUND


class InFlight(Problem):
    """Another request with this Idempotency-Key is being worked on. Ask again."""

    status = HTTPStatus.CONFLICT
    kind = "urn:shop:problem:in-flight"
    title = "Still being worked on"
    headers = {"Retry-After": "1"}


class OrderEnded(Problem):
    """The order has ended in a way that can't be changed any more."""

    status = HTTPStatus.CONFLICT
    kind = "urn:shop:problem:order-ended"
    title = "The order has ended"


class TooLarge(Problem):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class NotJson(Problem):
    """The body says that it is something else than JSON."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Invalid(Problem):
    """What was sent can't be used; `errors` says which parts and why."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "urn:shop:problem:invalid"
    title = "The request can't be used"


class OrderRefused(Problem):
    """The request is well-formed, and such an order can't be placed."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "urn:shop:problem:order-refused"
    title = "The order can't be placed"


class KeyReused(Problem):
    """The Idempotency-Key was used for another request; the two can't both be meant."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "urn:shop:problem:key-reused"
    title = "The Idempotency-Key was used for something else"


class Limited(Problem):
    """Too many requests; Retry-After says when the next one is welcome."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, *, retry_after_s: int) -> None:
        self.headers = {"Retry-After": str(retry_after_s)}
        super().__init__(f"Too many requests. Ask again in {retry_after_s} s.")


class Unavailable(Problem):
    """PostgreSQL can't be reached, or went away in between. Ask again, with the same key."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = {"Retry-After": "2"}


def problem_response(
    status: int,
    detail: str,
    *,
    kind: str = GENERAL,
    title: str = "",
    errors: Sequence[Flaw] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The answer itself. A general problem's title is the status' own phrase."""
    body: dict[str, object] = {
        "type": kind,
        "title": title or _phrase(status),
        "status": int(status),
        "detail": detail,
    }
    if errors:
        body["errors"] = [asdict(flaw) for flaw in errors]
    response = HttpResponse(
        json.dumps(body), status=status, content_type=MEDIA_TYPE, headers=headers or {}
    )
    response["Cache-Control"] = "no-store"
    return response


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
