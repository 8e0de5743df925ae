"""The provider's API as its clients see it, over real HTTP."""

from __future__ import annotations

import httpx
import pytest

from orders.sandbox.models import Charge, Refund
from stack.waiting import wait_until
from tests.orders.sandbox.serving import COMMITTING, WAIT_S, Client, Served, charged, client

pytestmark = COMMITTING


def succeeded(shop: Client, path: str) -> bool:
    return bool(shop.get(path).json()["state"] == "succeeded")


def test_a_charge_is_made_and_can_be_looked_at(shop: Client) -> None:
    made = shop.charge("order:1:charge", description="Order 1")

    assert made.status_code == 201
    charge = made.json()
    assert (charge["state"], charge["amount_minor"], charge["currency"]) == (
        "succeeded",
        1250,
        "GBP",
    )
    assert shop.get(f"/charges/{charge['id']}").json() == charge
    assert shop.get("/charges", key="order:1:charge").json() == {"data": [charge]}


def test_given_a_key_that_was_never_used_then_the_look_up_says_so(shop: Client) -> None:
    assert shop.get("/charges", key="order:404:charge").json() == {"data": []}
    assert shop.get("/refunds", key="order:404:refund").json() == {"data": []}
    assert shop.get("/charges/ch_00").status_code == 404
    assert shop.get("/refunds/re_00").status_code == 404


def test_given_a_card_without_cover_then_the_charge_is_declined(shop: Client) -> None:
    charge = shop.charge("order:1:charge", "pm_decline").json()

    assert (charge["state"], charge["message"]) == ("declined", "Your card was declined.")
    assert shop.refund("order:1:refund", charge["id"], 1).status_code == 400


def test_given_a_slow_card_then_the_charge_is_pending_and_succeeds_later(shop: Client) -> None:
    charge = shop.charge("order:1:charge", "pm_slow").json()

    assert charge["state"] == "pending"
    wait_until(lambda: succeeded(shop, f"/charges/{charge['id']}"), timeout_s=WAIT_S)
    assert shop.get("/charges", key="order:1:charge").json()["data"][0]["state"] == "succeeded"


def test_given_a_pending_charge_then_it_can_not_be_refunded_yet(shop: Client) -> None:
    charge = shop.charge("order:1:charge", "pm_slow").json()
    Charge.objects.update(settles_at="2100-01-01T00:00Z")

    refused = shop.refund("order:1:refund", charge["id"], 1250)

    assert refused.status_code == 400
    assert "pending" in refused.json()["error"]["message"]


def test_given_an_error_before_the_charge_then_the_second_request_works(shop: Client) -> None:
    assert shop.charge("order:1:charge", "pm_error500").status_code == 500
    assert shop.look_up("order:1:charge") == []

    assert shop.charge("order:1:charge", "pm_error500").status_code == 201
    assert charged() == 1


def test_given_an_error_after_the_charge_then_it_is_there_and_not_made_again(
    shop: Client,
) -> None:
    assert shop.charge("order:1:charge", "pm_error500_after").status_code == 500
    (charge,) = shop.look_up("order:1:charge")

    again = shop.charge("order:1:charge", "pm_error500_after")

    assert (again.status_code, again.json()) == (201, charge)
    assert charged() == 1


def test_given_a_client_that_does_not_wait_long_enough_then_its_charge_is_there(
    served: Served, shop: Client
) -> None:
    with client(served.url, timeout_s=0.3) as impatient, pytest.raises(httpx.ReadTimeout):
        impatient.charge("order:1:charge", "pm_timeout")

    (charge,) = shop.look_up("order:1:charge")

    assert charge["state"] == "succeeded"
    assert shop.charge("order:1:charge", "pm_timeout").json() == charge
    assert charged() == 1


def test_a_refund_gives_back_once_and_can_be_looked_at(shop: Client) -> None:
    charge = shop.charge("order:1:charge").json()

    made = shop.refund("order:1:refund", charge["id"], 1250)
    again = shop.refund("order:1:refund", charge["id"], 1250)

    refund = made.json()
    assert (made.status_code, refund["state"], refund["charge"]) == (
        201,
        "succeeded",
        charge["id"],
    )
    assert again.content == made.content
    assert shop.get(f"/refunds/{refund['id']}").json() == refund
    assert shop.get("/refunds", key="order:1:refund").json() == {"data": [refund]}
    assert shop.get(f"/charges/{charge['id']}").json()["refunded_minor"] == 1250


def test_given_refunds_in_parts_then_never_more_is_given_back_than_was_taken(
    shop: Client,
) -> None:
    charge = shop.charge("order:1:charge").json()

    assert shop.refund("order:1:refund:a", charge["id"], 1000).status_code == 201
    refused = shop.refund("order:1:refund:b", charge["id"], 251)
    assert refused.status_code == 400
    assert "only 250" in refused.json()["error"]["message"]
    assert shop.refund("order:1:refund:c", charge["id"], 250).status_code == 201

    assert sum(Refund.objects.values_list("amount_minor", flat=True)) == 1250


def test_given_a_slow_card_then_its_refund_is_slow_too(shop: Client) -> None:
    charge = shop.charge("order:1:charge", "pm_slow").json()
    wait_until(lambda: succeeded(shop, f"/charges/{charge['id']}"), timeout_s=WAIT_S)

    refund = shop.refund("order:1:refund", charge["id"], 1250).json()

    assert refund["state"] == "pending"
    wait_until(lambda: succeeded(shop, f"/refunds/{refund['id']}"), timeout_s=WAIT_S)


def test_counts_tell_an_auditor_what_was_taken_and_given_back(shop: Client) -> None:
    charge = shop.charge("order:1:charge").json()
    shop.charge("order:2:charge", amount_minor=50)
    shop.charge("order:3:charge", "pm_decline")
    shop.refund("order:1:refund", charge["id"], 250)

    counts = shop.get("/counts").json()

    assert counts["charges"] == {
        "pending": {"count": 0, "amount_minor": 0},
        "succeeded": {"count": 2, "amount_minor": 1300},
        "declined": {"count": 1, "amount_minor": 1250},
    }
    assert counts["refunds"]["succeeded"] == {"count": 1, "amount_minor": 250}


@pytest.mark.parametrize("key", ["wrong", "sandbox-test-ke", "sandbox-test-key2"])
def test_given_a_wrong_key_then_nothing_is_told_or_done(
    served: Served, shop: Client, key: str
) -> None:
    with client(served.url, key=key) as stranger:
        answers = [stranger.charge("order:1:charge"), stranger.get("/counts")]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"
    assert charged() == 0


def test_health_needs_no_key(served: Served) -> None:
    assert httpx.get(f"{served.url}/healthz", trust_env=False).json() == {"status": "ok"}


def test_given_a_wrong_address_or_method_then_the_answer_says_so(shop: Client) -> None:
    assert shop.get("/nothing").status_code == 404
    refused = shop.http.delete("/charges")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, POST")
    assert "GET or POST" in refused.json()["error"]["message"]
