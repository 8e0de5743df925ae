"""What payment providers tell. Checked, stored, answered; a job does the rest.

A provider that isn't configured is a 404, a signature that is wrong or old a 400. Everything else
is a 204, an event that was told before too: the provider need not tell it again.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from orders.notices import take_note
from orders.payments import notices, signature
from orders.payments.errors import NoticeInvalid
from orders.payments.notices import Notice
from shop.api.problems import NotFound, Problem


@csrf_exempt  # signed by the provider; no browser and no cookie is involved
@require_POST
def sandbox(request: HttpRequest) -> HttpResponse:
    return _take("sandbox", request, signature.HEADER, notices.read_sandbox)


@csrf_exempt
@require_POST
def stripe(request: HttpRequest) -> HttpResponse:
    return _take("stripe", request, "Stripe-Signature", notices.read_stripe)


def _take(
    provider: str, request: HttpRequest, header: str, read: Callable[[bytes, str], Notice]
) -> HttpResponse:
    if not notices.secret_of(provider):
        return NotFound("This shop expects nothing from this provider.").response()
    try:
        notice = read(request.body, request.headers.get(header, ""))
    except NoticeInvalid as error:
        return Problem(str(error)).response()
    take_note(notice)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)
