"""What the provider refuses to understand. Nothing of it is charged, and all of it is explained."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orders.sandbox.models import IdempotencyRecord
from tests.orders.sandbox.serving import COMMITTING, Client, charged

pytestmark = COMMITTING


GOOD: dict[str, Any] = {"amount_minor": 1250, "currency": "GBP", "payment_method": "pm_ok"}


def send(shop: Client, body: bytes, **headers: str) -> tuple[int, str]:
    sent = {"Idempotency-Key": "order:1:charge", "Content-Type": "application/json", **headers}
    answer = shop.http.post("/charges", content=body, headers=sent)
    return answer.status_code, str(answer.json()["error"]["message"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        *[
            ({"amount_minor": amount}, "amount_minor")
            for amount in (0, -1, 10**12, 2**70, 12.5, "1250", True, None, [1250])
        ],
        *[
            ({"currency": currency}, "currency")
            for currency in ("gbp", "POUND", "", "G1P", None, "GB\u0420")
        ],
        *[
            ({"payment_method": card}, "payment_method")
            for card in ("4242424242424242", "", None, ["pm_ok"], "pm_OK")
        ],
        *[
            ({"description": text}, "description")
            for text in (None, 7, "x" * 501, "two\nlines", "nul\0", "\ud800")
        ],
        ({"amount": 5}, "amount"),
    ],
)
def test_given_a_field_that_makes_no_sense_then_it_is_named(
    shop: Client, change: dict[str, Any], named: str
) -> None:
    status, message = send(shop, json.dumps({**GOOD, **change}).encode())

    assert status == 400
    assert named in message
    assert charged() == 0


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_given_a_missing_field_then_it_is_named(shop: Client, missing: str) -> None:
    body = {name: value for name, value in GOOD.items() if name != missing}

    assert send(shop, json.dumps(body).encode()) == (400, f"Missing: {missing}.")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"amount_minor=1250",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"amount_minor": NaN, "currency": "GBP", "payment_method": "pm_ok"}',
        b'{"amount_minor": 1, "amount_minor": 2, "currency": "GBP", "payment_method": "pm_ok"}',
        b"[" * 10_000,
        b'{"amount_minor": ' + b"9" * 5_000 + b"}",
    ],
)
def test_given_a_body_that_is_no_json_object_then_it_is_refused(shop: Client, body: bytes) -> None:
    status, message = send(shop, body)

    assert (status, "JSON" in message) == (400, True)
    assert charged() == 0


def test_given_a_form_then_json_is_asked_for(shop: Client) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    assert send(shop, b"amount_minor=1250", **form)[0] == 415


def test_given_a_body_beyond_all_sense_then_it_is_not_even_read(shop: Client) -> None:
    assert send(shop, b" " * 20_000)[0] == 413


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "caf\xe9"])
def test_given_a_key_that_can_not_be_kept_then_it_is_refused(shop: Client, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    refused = shop.http.post("/charges", headers=headers, json=GOOD)

    assert refused.status_code == 400
    assert "Idempotency-Key" in refused.json()["error"]["message"]
    assert shop.get("/charges", key=key).status_code == 400
    assert shop.get("/charges").status_code == 400


def test_given_a_refused_request_then_its_key_is_free(shop: Client) -> None:
    assert shop.charge("order:1:charge", amount_minor=0).status_code == 400
    assert not IdempotencyRecord.objects.exists()

    assert shop.charge("order:1:charge").status_code == 201


@pytest.mark.parametrize("charge", ["ch_00", "", None, 7, "ch_\0", "x" * 5_000])
def test_given_a_refund_of_no_known_charge_then_it_is_refused(shop: Client, charge: Any) -> None:
    wish = {"charge": charge, "amount_minor": 1}

    refused = shop.post("/refunds", "order:1:refund", wish)

    assert refused.status_code == 400
    assert "charge" in refused.json()["error"]["message"]
