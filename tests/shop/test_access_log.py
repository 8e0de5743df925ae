from __future__ import annotations

import logging

import pytest
from django.test import Client

from orders.models import Order
from shop.callers import HEADER
from tasks.log_lines import JobFields, JsonLines
from tests.orders import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "shop.access_log")
    return caplog


def lines(log: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in log.records if record.name == "shop.access_log"]


def test_a_request_is_one_line_with_its_route_and_without_its_path(
    client: Client, log: pytest.LogCaptureFixture
) -> None:
    order: Order = makers.order()
    answer = client.get(f"/orders/{order.code}/", {"q": "secret"}, REMOTE_ADDR="203.0.113.7")
    [record] = lines(log)
    message = record.getMessage()
    assert message.startswith("GET /orders/<code:code>/ 200 ") and message.endswith(" ms")
    JobFields().filter(record)
    text = JsonLines().format(record)
    assert '"route": "/orders/<code:code>/", "status": 200, "duration_ms": ' in text
    assert answer[HEADER]
    for private in (order.code, "secret", "203.0.113.7"):
        assert private not in text


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/static/shop/style.css", "/static/…"),
        ("/nowhere/ann@example.com", "(unknown)"),
        ("/api/orders/some-code", "/api/orders/<code:code>"),
        ("/accounts/orders/", "/accounts/orders/"),
        ("/admin/orders/order/?q=ann", "/admin/orders/order/"),
    ],
)
def test_each_kind_of_address_has_a_route(
    client: Client, log: pytest.LogCaptureFixture, path: str, route: str
) -> None:
    client.get(path)
    assert [record.__dict__["details"]["route"] for record in lines(log)] == [route]


def test_a_request_that_is_refused_at_the_door_has_its_route_too(
    client: Client, log: pytest.LogCaptureFixture
) -> None:
    assert client.post("/api/orders/some-code/cancel", {"a": "form"}).status_code == 415
    assert lines(log)[0].getMessage().startswith("POST /api/orders/<code:code>/cancel 415 ")


def test_the_line_belongs_to_the_requests_correlation_id(
    client: Client, log: pytest.LogCaptureFixture
) -> None:
    log.handler.addFilter(JobFields())
    client.get("/cart/", headers={HEADER: "request-4711"})
    assert lines(log)[0].__dict__["correlation_id"] == "request-4711"
