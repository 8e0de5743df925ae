"""Ordering."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Annotated

from django.contrib.auth.models import User
from django.http import HttpResponse
from ninja import Header, Router

from orders import errors
from orders.models import Order
from orders.placing import LineRequest, place_order
from shop.api import idempotency
from shop.api.authentication import ApiRequest, signed_in
from shop.api.document import problems
from shop.api.idempotency import REUSED, Reply
from shop.api.limits import ORDERING, Limit
from shop.api.models import MAX_IDEMPOTENCY_KEY_CHARS, Scope
from shop.api.problems import Flaw, KeyReused, OrderRefused
from shop.api.schemas import CheckoutIn, OrderOut
from tasks.context import calling, current_caller

router = Router(tags=["orders"])

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_IDEMPOTENCY_KEY_CHARS,
        pattern=r"^[\x21-\x7e]+$",
        description="A new one for each order, such as a UUID; the same one to ask again.",
    ),
]
REPLAYED = "Idempotent-Replayed"
MORE_PROBLEMS = (
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)


@router.post(
    "/checkout",
    operation_id="checkout",
    response={201: OrderOut, **problems(*MORE_PROBLEMS)},
    auth=signed_in(Scope.PLACE),
    throttle=Limit(ORDERING),
    openapi_extra={
        "responses": {
            201: {
                "headers": {
                    REPLAYED: {
                        "description": "true on a reply that was given before.",
                        "schema": {"type": "string", "enum": ["true"]},
                    }
                }
            }
        }
    },
)
def checkout(request: ApiRequest, wish: CheckoutIn, key: IdempotencyKey) -> HttpResponse:
    """Place an order: once, however often it is asked for with one Idempotency-Key.

    The same key with the same body gets the stored reply, for 24 hours byte for byte; with another
    body 422; while the first request is being worked on 409. The order is taken to its end by jobs:
    follow its events. Needs the scope orders:place.
    """
    owner, user = request.auth.name, request.auth.user
    source = idempotency.source_of(owner=owner, key=key)
    with calling(name=owner, correlation_id=current_caller().correlation_id):
        reply = idempotency.once(
            owner=owner, key=key, wish=_canonical(wish), work=lambda: _place(wish, user, source)
        )
    response = HttpResponse(reply.body, status=reply.status, content_type="application/json")
    if reply.replayed:
        response[REPLAYED] = "true"
    return response


def _place(wish: CheckoutIn, user: User | None, source: str) -> Reply:
    """Raises `OrderRefused` and `KeyReused`."""
    placed_before = Order.objects.filter(source=source).exists()
    try:
        order = place_order(
            email=wish.email,
            lines=[LineRequest(line.sku, line.quantity) for line in wish.lines],
            payment_method=wish.payment_method,
            user=user,
            source=source,
        )
    except errors.OrderRefused as refused:
        raise _refusal(wish, refused) from refused
    body = OrderOut.of(order).model_dump_json()
    return Reply(HTTPStatus.CREATED, body, replayed=placed_before)


def _refusal(wish: CheckoutIn, refused: errors.OrderRefused) -> OrderRefused | KeyReused:
    if "source" in refused.errors and all(line.sku != "source" for line in wish.lines):
        return KeyReused(REUSED)
    flaws = [
        Flaw(where=_where(wish, name), message=message) for name, message in refused.errors.items()
    ]
    return OrderRefused("Such an order can't be placed.", flaws)


def _where(wish: CheckoutIn, name: str) -> str:
    """The member that a reason is about; `name` is one of the body's, or a SKU."""
    if name in CheckoutIn.model_fields:
        return f"body.{name}"
    number = next(number for number, line in enumerate(wish.lines) if line.sku == name)
    return f"body.lines.{number}"


def _canonical(wish: CheckoutIn) -> str:
    """The same text for the same wish, whatever order or spacing the client's JSON had."""
    return json.dumps(["checkout", wish.model_dump()], sort_keys=True)
