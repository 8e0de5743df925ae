"""What is Stripe's alone: its search that lags, its saved errors, its keys that end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from orders.payments.errors import (
    GatewayBusy,
    GatewayNotDone,
    GatewayRefused,
    GatewayUnavailable,
)
from orders.payments.stripe import StripeGateway
from orders.payments.values import Charge
from tests.orders.payments import stripe_server
from tests.orders.payments.strangers import answering
from tests.orders.payments.stripe_server import StripeServer
from tests.orders.payments.worlds import charge

KEY, REFUND_KEY = "order:1:charge", "order:1:refund"
VISA = "pm_card_visa"


def gateway(server: StripeServer) -> StripeGateway:
    return StripeGateway(stripe_server.API_KEY, server.url, timeout_s=10)


def test_given_a_charge_of_a_moment_ago_then_it_is_found_before_it_can_be_searched(
    stripe: StripeServer,
) -> None:
    stripe.books.search_lags = True
    made = charge(gateway(stripe), KEY, VISA)

    assert gateway(stripe).find_charge(key=KEY) == made


def test_given_many_other_charges_since_then_all_pages_are_looked_through(
    stripe: StripeServer,
) -> None:
    stripe.books.search_lags = True
    made = charge(gateway(stripe), KEY, VISA)
    asking = gateway(stripe)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: charge(asking, f"order:{n}:charge", VISA), range(2, 130)))

    assert asking.find_charge(key=KEY) == made


def test_given_a_charge_of_yesterday_then_it_is_searched(stripe: StripeServer) -> None:
    made = charge(gateway(stripe), KEY, VISA)
    stripe.books.forget_keys()
    stripe.books.requests.clear()

    assert gateway(stripe).find_charge(key=KEY) == made
    assert "GET /v1/payment_intents" not in stripe.books.requests


def test_given_a_key_with_quotes_then_it_is_searched_as_it_is(stripe: StripeServer) -> None:
    key = 'order:1:"charge"\\'
    made = charge(gateway(stripe), key, VISA)
    stripe.books.forget_keys()

    assert gateway(stripe).find_charge(key=key) == made


def test_given_a_refund_of_yesterday_then_it_is_not_made_again(stripe: StripeServer) -> None:
    taken = charge(gateway(stripe), KEY, VISA).reference
    first = gateway(stripe).refund(key=REFUND_KEY, charge_reference=taken, amount_minor=1000)
    stripe.books.forget_keys()

    assert gateway(stripe).find_refund(key=REFUND_KEY) == first
    again = gateway(stripe).refund(key=REFUND_KEY, charge_reference=taken, amount_minor=1000)

    assert again == first
    assert len(stripe.books.refunds) == 1


def test_given_a_refund_that_failed_then_it_is_no_refund(stripe: StripeServer) -> None:
    taken = charge(gateway(stripe), KEY, VISA).reference
    stripe.books.refunds_fail = True

    for _ in range(2):
        with pytest.raises(GatewayRefused, match="lost_or_stolen_card") as refused:
            gateway(stripe).refund(key=REFUND_KEY, charge_reference=taken, amount_minor=1250)
        assert not isinstance(refused.value, GatewayNotDone)
    with pytest.raises(GatewayRefused):
        gateway(stripe).find_refund(key=REFUND_KEY)


def test_given_a_bank_that_wants_to_see_the_customer_then_the_card_is_declined(
    stripe: StripeServer,
) -> None:
    made = charge(gateway(stripe), KEY, "pm_card_authenticationRequired")

    assert (made.state, made.message) == ("declined", "Authentication is required.")
    assert gateway(stripe).find_charge(key=KEY) == made
    assert stripe.books.captured() == 0


def test_given_an_error_of_stripe_s_then_it_stays_with_its_key(stripe: StripeServer) -> None:
    for _ in range(2):
        with pytest.raises(GatewayUnavailable):
            charge(gateway(stripe), KEY, stripe_server.ERROR_BEFORE)

    assert gateway(stripe).find_charge(key=KEY) is None
    assert stripe.books.captured() == 0


def test_given_a_cut_connection_then_the_library_does_not_try_again_by_itself(
    stripe: StripeServer,
) -> None:
    with pytest.raises(GatewayUnavailable):
        charge(gateway(stripe), KEY, stripe_server.CUT)

    assert stripe.books.requests == ["POST /v1/payment_intents"]
    assert gateway(stripe).find_charge(key=KEY) is not None


def test_given_too_many_requests_then_it_says_how_long_to_wait(stripe: StripeServer) -> None:
    stripe.books.rate_limited = True

    with pytest.raises(GatewayBusy) as busy:
        charge(gateway(stripe), KEY, VISA)

    assert busy.value.retry_after_s == 7.0


def test_given_a_state_that_should_not_occur_then_a_person_has_to_look(
    stripe: StripeServer,
) -> None:
    with pytest.raises(GatewayRefused, match="requires_capture") as refused:
        charge(gateway(stripe), KEY, stripe_server.STUCK)

    assert not isinstance(refused.value, GatewayNotDone)


@pytest.mark.parametrize("status", [200, 400, 404, 502])
def test_given_something_else_at_the_address_then_the_outcome_is_unknown(status: int) -> None:
    with answering(status, b"<html>Welcome!</html>") as url:
        lost = StripeGateway(stripe_server.API_KEY, url, timeout_s=5)
        with pytest.raises(GatewayUnavailable):
            charge(lost, KEY, VISA)
        with pytest.raises(GatewayUnavailable):
            lost.find_charge(key=KEY)


def test_currencies_are_spelt_as_stripe_wants_them_and_come_back_as_ours(
    stripe: StripeServer,
) -> None:
    made = charge(gateway(stripe), KEY, VISA)

    assert isinstance(made, Charge)
    assert made.currency == "GBP"
    assert stripe.books.intents[made.reference]["currency"] == "gbp"
