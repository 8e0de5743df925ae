"""Orders that were placed: how they stand, what happened to them, and calling them off.

An order's code is unguessable, and whoever has it may see the order, as on the order's page. To
cancel takes more where there is more: the order of an account is cancelled by that account only.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated

from django.http import HttpResponse, StreamingHttpResponse
from ninja import Header, Query, Router

from orders.cancelling import cancel_order
from orders.models import Order
from shop.api import streams
from shop.api.authentication import ApiRequest, anyone, signed_in
from shop.api.document import OPEN_TO_ALL, problems
from shop.api.limits import ORDERING, READING, Limit
from shop.api.models import Scope
from shop.api.problems import Forbidden, NotFound, OrderEnded
from shop.api.schemas import BIGGEST_ID, OrderOut, OrderPage
from tasks.context import calling, current_caller

router = Router(tags=["orders"])

PER_PAGE = 50

Before = Annotated[
    int | None, Query(ge=1, le=BIGGEST_ID, description="Only orders with a smaller number.")
]
LastEventId = Annotated[
    int, Header(alias="Last-Event-ID", ge=0, le=BIGGEST_ID, description="Only what came after it.")
]


@router.get(
    "/orders",
    operation_id="list_orders",
    response={200: OrderPage, **problems()},
    auth=signed_in(Scope.READ),
    throttle=Limit(READING),
)
def list_orders(request: ApiRequest, before: Before = None) -> OrderPage:
    """The caller's own orders, the newest first, 50 a page. Needs the scope orders:read."""
    orders = Order.objects.filter(user=request.auth.user).order_by("-id")
    if before is not None:
        orders = orders.filter(pk__lt=before)
    found = list(orders.prefetch_related("lines")[: PER_PAGE + 1])
    page = found[:PER_PAGE]
    return OrderPage(
        items=[OrderOut.of(order) for order in page],
        next_before=page[-1].pk if len(found) > PER_PAGE else None,
    )


@router.get(
    "/orders/{code:code}",
    operation_id="get_order",
    response={200: OrderOut, **problems()},
    auth=anyone(Scope.READ),
    throttle=Limit(READING),
    openapi_extra=OPEN_TO_ALL,
)
def get_order(request: ApiRequest, code: str) -> OrderOut:
    """How an order stands. Its code is enough; a key needs the scope orders:read."""
    return OrderOut.of(_order(code))


@router.post(
    "/orders/{code:code}/cancel",
    operation_id="cancel_order",
    response={200: OrderOut, **problems(HTTPStatus.CONFLICT, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)},
    auth=anyone(Scope.CANCEL),
    throttle=Limit(ORDERING),
    openapi_extra=OPEN_TO_ALL,
)
def cancel(request: ApiRequest, code: str) -> OrderOut:
    """Cancel an order: its goods go back, and its money by a job. Again changes nothing.

    A guest's order by its code; the order of an account by that account, or by a key of it with
    the scope orders:cancel. 409 when the order failed or was refunded.
    """
    order = _order(code)
    if order.user_id is not None and (
        request.auth.user is None or request.auth.user.pk != order.user_id
    ):
        raise Forbidden("This order belongs to an account, which alone can cancel it.")
    with calling(name=request.auth.name, correlation_id=current_caller().correlation_id):
        cancel_order(order_id=order.pk, actor="customer")
    order.refresh_from_db()
    if order.state != Order.State.CANCELLED:
        raise OrderEnded(f"The order is {order.state}.")
    return OrderOut.of(order)


@router.get(
    "/orders/{code:code}/events",
    operation_id="follow_order",
    response={204: None, **problems()},
    auth=anyone(Scope.READ),
    throttle=Limit(READING),
    openapi_extra={
        **OPEN_TO_ALL,
        "responses": {
            200: {
                "description": "A stream of server-sent events.",
                "content": {streams.MEDIA_TYPE: {"schema": streams.EVENT_SCHEMA}},
            }
        },
    },
)
def follow(
    request: ApiRequest, code: str, last_event_id: LastEventId = 0
) -> HttpResponse | StreamingHttpResponse:
    """What happens to an order, as server-sent events: first what has happened, then the rest.

    Each event has an `id`, and as `data` an object with `id`, `kind`, `message` and `at`. An event
    named `end`, with the order's `state`, says that no more will come. The stream ends after a
    while in any case: connect again with Last-Event-ID, as browsers do by themselves. 204 says
    that there is nothing more to wait for.
    """
    order = _order(code)
    if last_event_id and streams.is_over(order, after=last_event_id):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return _stream(streams.follow(order, after=last_event_id))


def _order(code: str) -> Order:
    order = Order.objects.prefetch_related("lines").filter(code=code).first()
    if order is None:
        raise NotFound("There is no such order.")
    return order


def _stream(chunks: Iterator[str]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(chunks, content_type=streams.MEDIA_TYPE)
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx would keep events back
    return response
