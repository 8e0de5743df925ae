"""One key, one charge: repeated, changed, in a crowd, and when the provider is killed."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest
from django.db import IntegrityError

from orders.sandbox.books import charge as book_charge
from orders.sandbox.models import Charge
from orders.sandbox.requests import ChargeRequest
from stack.waiting import wait_until
from tests.orders.sandbox.serving import (
    COMMITTING,
    WAIT_S,
    Client,
    Served,
    charged,
    client,
    stuck,
)

pytestmark = COMMITTING


CROWD = 20


def charge_alone(served: Served, key: str, card: str = "pm_ok") -> httpx.Response:
    """Over a connection of its own."""
    with client(served.url) as alone:
        return alone.charge(key, card)


def is_in_flight(shop: Client, key: str) -> bool:
    return shop.get("/charges", key=key).status_code == 409


def test_given_the_same_request_again_then_the_answer_is_the_same_byte_for_byte(
    shop: Client,
) -> None:
    first = shop.charge("order:1:charge", "pm_slow")
    again = shop.charge("order:1:charge", "pm_slow")

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert charged() == 1


def test_given_the_same_wish_in_other_json_then_it_is_the_same_request(shop: Client) -> None:
    first = shop.charge("order:1:charge", description="")
    body = b'{ "payment_method":"pm_ok","currency":"GBP",   "amount_minor":1250 }'
    headers = {"Idempotency-Key": "order:1:charge", "Content-Type": "application/json"}

    assert shop.http.post("/charges", content=body, headers=headers).content == first.content


def test_given_a_key_and_other_parameters_then_it_is_refused(shop: Client) -> None:
    charge = shop.charge("order:1:charge").json()

    other_amount = shop.charge("order:1:charge", amount_minor=1251)
    other_operation = shop.refund("order:1:charge", charge["id"], 1250)

    assert [other_amount.status_code, other_operation.status_code] == [422, 422]
    assert other_amount.json()["error"]["code"] == "key_reused"
    assert charged() == 1


def test_given_a_request_in_flight_then_the_same_key_has_to_wait(
    served: Served, shop: Client
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with stuck("order:1:charge"):
            first = pool.submit(charge_alone, served, "order:1:charge")
            wait_until(lambda: is_in_flight(shop, "order:1:charge"), timeout_s=WAIT_S)

            repeated = shop.charge("order:1:charge")
            other = shop.charge("order:2:charge")

            assert (repeated.status_code, repeated.headers["Retry-After"]) == (409, "1")
            assert repeated.json()["error"]["code"] == "in_flight"
            assert other.status_code == 201
        assert first.result(WAIT_S).status_code == 201
    assert shop.charge("order:1:charge").content == first.result().content


def test_given_a_crowd_with_one_key_then_there_is_one_charge(served: Served, shop: Client) -> None:
    with ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(lambda _: charge_alone(served, "order:1:charge"), range(CROWD)))

    made = {answer.content for answer in answers if answer.status_code == 201}
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len(made) == 1
    assert charged() == 1
    assert shop.charge("order:1:charge").content in made


def test_given_a_crowd_that_refunds_one_charge_then_it_is_given_back_once(
    served: Served, shop: Client
) -> None:
    charge = shop.charge("order:1:charge").json()["id"]

    def refund(number: int) -> httpx.Response:
        with client(served.url) as alone:
            return alone.refund(f"order:1:refund:{number}", charge, 1250)

    with ThreadPoolExecutor(8) as pool:
        statuses = [answer.status_code for answer in pool.map(refund, range(8))]

    assert (statuses.count(201), statuses.count(400)) == (1, 7)
    assert Charge.objects.get().refunded_minor == 1250


def test_given_broken_code_above_then_the_table_itself_refuses_a_second_charge() -> None:
    wish = ChargeRequest(amount_minor=1, currency="GBP", payment_method="pm_ok", description="")
    book_charge(key="order:1:charge", wish=wish)

    with pytest.raises(IntegrityError):
        book_charge(key="order:1:charge", wish=wish)


@pytest.mark.chaos
def test_given_a_provider_killed_between_charge_and_answer_then_the_charge_is_found(
    mortal: Served,
) -> None:
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(charge_alone, mortal, "order:1:charge", "pm_timeout")
        wait_until(lambda: charged() == 1, timeout_s=WAIT_S)
        mortal.kill()
        assert isinstance(ending(lost), httpx.TransportError)

    mortal.restart()
    with client(mortal.url) as shop:
        (found,) = shop.look_up("order:1:charge")
        again = shop.charge("order:1:charge", "pm_timeout")

    assert again.json() == found
    assert again.headers["Idempotent-Replayed"] == "true"
    assert charged() == 1


@pytest.mark.chaos
def test_given_a_provider_killed_before_the_charge_then_the_key_is_free_again(
    mortal: Served,
) -> None:
    with ThreadPoolExecutor(1) as pool, client(mortal.url) as shop, stuck("order:1:charge"):
        lost = pool.submit(charge_alone, mortal, "order:1:charge")
        wait_until(lambda: is_in_flight(shop, "order:1:charge"), timeout_s=WAIT_S)
        mortal.kill()
        assert isinstance(ending(lost), httpx.TransportError)

    mortal.restart()
    with client(mortal.url) as shop:
        assert shop.look_up("order:1:charge") == []
        assert shop.charge("order:1:charge").status_code == 201
    assert charged() == 1


def ending(future: Future[httpx.Response]) -> BaseException | None:
    with suppress(httpx.HTTPError):
        future.result(WAIT_S)
    return future.exception()
