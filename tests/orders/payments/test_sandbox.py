"""The sandbox's client facing answers that its provider doesn't give."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orders.payments.errors import (
    GatewayBusy,
    GatewayNotDone,
    GatewayRefused,
    GatewayUnavailable,
)
from orders.payments.sandbox import SandboxGateway
from tests.orders.payments.strangers import answering
from tests.orders.payments.worlds import charge

CHARGE: dict[str, Any] = {
    "id": "ch_1",
    "state": "succeeded",
    "amount_minor": 1250,
    "currency": "GBP",
    "message": "",
}
PROBLEM = b'{"error": {"code": "x", "message": "Because."}}'


def gateway(url: str) -> SandboxGateway:
    return SandboxGateway(url, "any", timeout_s=5)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>Welcome!</html>"),
        (200, b"[]"),
        (200, b""),
        (404, b"<html>Not here</html>"),
        (404, b'{"detail": "Not Found"}'),
        (302, b""),
        (502, b"Bad Gateway"),
        (503, PROBLEM),
        *[
            (201, json.dumps({**CHARGE, **change}).encode())
            for change in (
                {"state": "paid"},
                {"state": None},
                {"id": None},
                {"amount_minor": "1250"},
                {"amount_minor": True},
                {"currency": 5},
            )
        ],
    ],
)
def test_given_an_answer_that_is_not_the_provider_s_then_the_outcome_is_unknown(
    status: int, body: bytes
) -> None:
    with answering(status, body) as url, pytest.raises(GatewayUnavailable):
        charge(gateway(url), "order:1:charge", "pm_ok")


@pytest.mark.parametrize("body", [b"{}", b'{"data": null}', b'{"data": [null]}', b'{"data": {}}'])
def test_given_a_look_up_with_a_strange_answer_then_it_is_no_no(body: bytes) -> None:
    with answering(200, body) as url, pytest.raises(GatewayUnavailable):
        gateway(url).find_charge(key="order:1:charge")


@pytest.mark.parametrize("status", [401, 403, 404, 405, 413, 415, 422])
def test_given_a_refusal_of_who_asks_then_nobody_says_it_was_not_done(status: int) -> None:
    with answering(status, PROBLEM) as url, pytest.raises(GatewayRefused, match="Because") as no:
        charge(gateway(url), "order:1:charge", "pm_ok")

    assert not isinstance(no.value, GatewayNotDone)


def test_given_a_refused_look_up_then_nobody_says_it_was_not_done() -> None:
    with answering(400, PROBLEM) as url, pytest.raises(GatewayRefused) as no:
        gateway(url).find_charge(key="order:1:charge")

    assert not isinstance(no.value, GatewayNotDone)


@pytest.mark.parametrize(("asked", "waits"), [("7", 7.0), ("", 1.0), ("soon", 1.0), ("-1", 1.0)])
def test_given_too_many_requests_then_it_says_how_long_to_wait(asked: str, waits: float) -> None:
    with (
        answering(429, PROBLEM, {"Retry-After": asked}) as url,
        pytest.raises(GatewayBusy) as busy,
    ):
        charge(gateway(url), "order:1:charge", "pm_ok")

    assert busy.value.retry_after_s == waits


def test_given_a_proxy_for_the_internet_then_the_sandbox_is_asked_directly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with answering(201, json.dumps(CHARGE).encode()) as url:
        assert charge(gateway(url), "order:1:charge", "pm_ok").reference == "ch_1"
