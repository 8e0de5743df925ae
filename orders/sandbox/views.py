"""The provider's HTTP API. JSON in, JSON out, a bearer key, an idempotency key on each POST.

POST /charges             take money          Idempotency-Key: order:42:charge
GET  /charges?key=KEY     look up             {"data": [charge] or []}
GET  /charges/ID          how it stands
POST /refunds, GET /refunds?key=KEY, GET /refunds/ID       the same for giving back
GET  /counts              for audits
GET  /healthz             without a key
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from orders.sandbox import books
from orders.sandbox.cards import CARDS, Trouble
from orders.sandbox.errors import Failed, MethodNotAllowed, NotFound, Unauthorized
from orders.sandbox.idempotency import Answer, once, settled
from orders.sandbox.models import Charge, Refund
from orders.sandbox.requests import canonical, read_charge, read_key, read_refund

View = Callable[..., HttpResponse]


class Unanswered(HttpResponse):
    """An answer that is ready, and held back for as long as the client waits for it."""


def authenticated(view: View) -> View:
    """Only with the key of `SANDBOX_PAYMENTS_KEY`. Raises `Unauthorized`."""

    @wraps(view)
    def checked(request: HttpRequest, **arguments: Any) -> HttpResponse:
        expected = f"Bearer {settings.SANDBOX_PAYMENTS_KEY}".encode()
        given = request.headers.get("Authorization", "").encode()
        if not settings.SANDBOX_PAYMENTS_KEY or not hmac.compare_digest(given, expected):
            raise Unauthorized("Send Authorization: Bearer and the provider's key.")
        return view(request, **arguments)

    return checked


def only(*methods: str) -> Callable[[View], View]:
    """Raises `MethodNotAllowed` for other methods."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, **arguments: Any) -> HttpResponse:
            if request.method not in methods:
                raise MethodNotAllowed(*methods)
            return view(request, **arguments)

        return checked

    return decorate


@authenticated
@only("GET", "POST")
def charges(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return _found(request, Charge, books.describe_charge)
    key, wish = _key(request), read_charge(request)
    trouble = CARDS[wish.payment_method].trouble

    def work(first: bool) -> Answer:
        if trouble is Trouble.FAILS_BEFORE and first:
            problem = Failed("Something broke before anything was charged.")
            return Answer(problem.status, problem.body, keep=False)
        return _created(books.describe_charge(books.charge(key=key, wish=wish)))

    answer = once(key=key, wish=canonical(wish), work=work)
    if not answer.replayed and trouble is Trouble.FAILS_AFTER:
        raise Failed("Something broke after the charge was made.")
    if not answer.replayed and trouble is Trouble.NO_ANSWER:
        return _response(answer, Unanswered)
    return _response(answer)


@authenticated
@only("GET", "POST")
def refunds(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return _found(request, Refund, books.describe_refund)
    key, wish = _key(request), read_refund(request)

    def work(first: bool) -> Answer:
        books.settle_due()
        return _created(books.describe_refund(books.refund(key=key, wish=wish)))

    return _response(once(key=key, wish=canonical(wish), work=work))


@authenticated
@only("GET")
def charge(request: HttpRequest, reference: str) -> HttpResponse:
    return _one(Charge, reference, books.describe_charge)


@authenticated
@only("GET")
def refund(request: HttpRequest, reference: str) -> HttpResponse:
    return _one(Refund, reference, books.describe_refund)


@authenticated
@only("GET")
def counts(request: HttpRequest) -> HttpResponse:
    books.settle_due()
    return _ok(books.counts())


@only("GET")
def healthz(request: HttpRequest) -> HttpResponse:
    return _ok({"status": "ok"})


def _key(request: HttpRequest) -> str:
    return read_key(request.headers.get("Idempotency-Key"), where="the header Idempotency-Key")


def _found(
    request: HttpRequest, model: type[Any], describe: Callable[[Any], dict[str, Any]]
) -> HttpResponse:
    key = read_key(request.GET.get("key"), where="?key=")
    settled(key)
    books.settle_due()
    return _ok({"data": [describe(made) for made in model.objects.filter(key=key)]})


def _one(
    model: type[Any], reference: str, describe: Callable[[Any], dict[str, Any]]
) -> HttpResponse:
    books.settle_due()
    made = model.objects.filter(reference=reference).first()
    if made is None:
        raise NotFound(f"There is no {model._meta.verbose_name} of this id.")
    return _ok(describe(made))


def _ok(content: dict[str, Any]) -> HttpResponse:
    return _response(Answer(200, json.dumps(content)))


def _created(content: dict[str, Any]) -> Answer:
    return Answer(201, json.dumps(content))


def _response(answer: Answer, kind: type[HttpResponse] = HttpResponse) -> HttpResponse:
    response = kind(answer.body, status=answer.status, content_type="application/json")
    if answer.replayed:
        response["Idempotent-Replayed"] = "true"
    return response
