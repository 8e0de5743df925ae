"""Around the API's addresses: JSON in, problems out, whoever makes the answer.

Some answers are not the API's own: Django's for an address that doesn't exist, a wrong host name, a
method that isn't allowed, a bug. As a middleware this sees them all.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from shop.api.limits import Verdict
from shop.api.problems import MEDIA_TYPE, NotJson, problem_response

ADDRESSES = ("/api/", "/webhooks/payments/")

DETAILS = {
    HTTPStatus.BAD_REQUEST: "The request makes no sense.",
    HTTPStatus.FORBIDDEN: "You may not do this.",
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address doesn't take this method.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something of ours broke. We have been told.",
}


class ApiAnswers:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(ADDRESSES):
            return self.get_response(request)
        response = _refusal(request) or self.get_response(request)
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            response = _as_problem(response)
        verdict = getattr(request, "rate_limit", None)
        if isinstance(verdict, Verdict):
            for name, value in verdict.headers.items():
                response[name] = value
        return response


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """Only JSON has a body here: a form on another site can't send that without asking first."""
    if request.META.get("CONTENT_LENGTH") in (None, "", "0"):
        return None
    if request.content_type == "application/json":
        return None
    return NotJson("Send the body as application/json.").response()


def _as_problem(response: HttpResponse) -> HttpResponse:
    if response.headers.get("Content-Type", "").startswith(MEDIA_TYPE):
        return response
    status = response.status_code
    allowed = {"Allow": response["Allow"]} if "Allow" in response else {}
    return problem_response(
        status, DETAILS.get(HTTPStatus(status), "The request was refused."), headers=allowed
    )
