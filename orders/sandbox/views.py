"""The sandbox provider's HTTP API. JSON in, JSON out; a bearer key; idempotency keys on POST."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from orders.sandbox import idempotency, provider
from orders.sandbox.idempotency import Answer, Begun, error
from orders.sandbox.models import Charge, Refund

View = Callable[..., HttpResponse]

LONGEST_KEY = 255
MOST_BODY_BYTES = 10_000


def authenticated(view: View) -> View:
    """Only with the key of `SANDBOX_PAYMENTS_KEY`; without one set, nobody gets in."""

    @csrf_exempt
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        expected = f"Bearer {settings.SANDBOX_PAYMENTS_KEY}"
        given = request.headers.get("Authorization", "")
        if not settings.SANDBOX_PAYMENTS_KEY or not hmac.compare_digest(
            given.encode(), expected.encode()
        ):
            return _response(error(401, "Send Authorization: Bearer <SANDBOX_PAYMENTS_KEY>."))
        return view(request, *args, **kwargs)

    return checked


@authenticated
@require_http_methods(["GET", "POST"])
def charges(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _once(request, _charge)
    return _found(request, Charge, lambda made: provider.describe_charge(made))


@authenticated
@require_safe
def charge(request: HttpRequest, charge_id: str) -> HttpResponse:
    provider.settle_due()
    made = Charge.objects.filter(pk=charge_id).first()
    if made is None:
        return _response(error(404, "There is no such charge."))
    return _response(Answer(200, json.dumps(provider.describe_charge(made))))


@authenticated
@require_http_methods(["GET", "POST"])
def refunds(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _once(request, _refund)
    return _found(request, Refund, lambda made: provider.describe_refund(made))


@authenticated
@require_safe
def totals(request: HttpRequest) -> HttpResponse:
    return _response(Answer(200, json.dumps(provider.totals())))


def _once(request: HttpRequest, work: Callable[[str, Any, Begun], Answer]) -> HttpResponse:
    """Do the work unless it was done for the request's key."""
    key = request.headers.get("Idempotency-Key", "")
    if not key or len(key) > LONGEST_KEY or "\0" in key:
        return _response(error(400, f"Send an Idempotency-Key of 1 to {LONGEST_KEY} characters."))
    if len(request.body) > MOST_BODY_BYTES:
        return _response(error(413, "The body is too large."))
    try:
        body = json.loads(request.body)
    except ValueError:
        return _response(error(400, "The body must be JSON."))
    begun = idempotency.begin(key=key, path=request.path, body=request.body)
    if isinstance(begun, Answer):
        return _response(begun)
    try:
        return _response(work(key, body, begun))
    except provider.Invalid as problem:
        return _response(begun.finish(400, {"error": str(problem)}))
    except Exception:
        begun.give_up()
        raise


def _charge(key: str, body: Any, begun: Begun) -> Answer:
    order = provider.read_order(body)
    if order.payment_method == "pm_error500" and begun.first_ask:
        begun.give_up()
        return error(500, "Something went wrong, nothing was charged.")
    with transaction.atomic():
        made = provider.charge(key=key, order=order)
        declined = made.state == Charge.State.DECLINED
        answer = begun.finish(402 if declined else 200, provider.describe_charge(made))
    if order.payment_method == "pm_timeout":
        connection.close()
        time.sleep(settings.SANDBOX_HANG_S)
    if order.payment_method == "pm_error500_after":
        return error(500, "Something went wrong.")
    return answer


def _refund(key: str, body: Any, begun: Begun) -> Answer:
    with transaction.atomic():
        made = provider.refund(key=key, body=body)
        return begun.finish(200, provider.describe_refund(made))


def _found(
    request: HttpRequest,
    model: type[Charge] | type[Refund],
    describe: Callable[[Any], dict[str, Any]],
) -> HttpResponse:
    """What was made for `?key=`. While that is being worked on there is no honest answer: 409."""
    key = request.GET.get("key", "")
    if not key or "\0" in key:
        return _response(error(400, "Say which: ?key=…"))
    if idempotency.in_flight(key):
        busy = error(409, "A request with this key is being worked on.")
        return _response(
            Answer(busy.status, busy.body, retry_after_s=idempotency.RETRY_AFTER_S)
        )
    provider.settle_due()
    found = [describe(made) for made in model._default_manager.filter(key=key)]
    return _response(Answer(200, json.dumps({"data": found})))


def _response(answer: Answer) -> HttpResponse:
    response = HttpResponse(
        answer.body, status=answer.status, content_type="application/json"
    )
    if answer.replayed:
        response["Idempotent-Replayed"] = "true"
    if answer.retry_after_s:
        response["Retry-After"] = str(answer.retry_after_s)
    return response
