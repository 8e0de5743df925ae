"""What every gateway promises, with the real provider behind it: the sandbox's and Stripe's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from orders.payments.errors import (
    GatewayBusy,
    GatewayNotDone,
    GatewayRefused,
    GatewayUnavailable,
)
from orders.payments.gateway import Gateway
from orders.payments.sandbox import SandboxGateway
from orders.payments.stripe import StripeGateway
from orders.payments.values import Charge, Refund
from stack.ports import free_port
from stack.waiting import wait_until
from tests.orders.payments.worlds import IMPATIENT_S, PATIENT_S, World, charge
from tests.orders.sandbox.serving import COMMITTING

pytestmark = COMMITTING

KEY, REFUND_KEY = "order:1:charge", "order:1:refund"

# Every call there is, for what goes wrong with all of them.
CALLS: dict[str, Callable[[Gateway], object]] = {
    "charge": lambda gateway: charge(gateway, KEY, "pm_ok"),
    "refund": lambda gateway: gateway.refund(
        key=REFUND_KEY, charge_reference="ch_00", amount_minor=1
    ),
    "find_charge": lambda gateway: gateway.find_charge(key=KEY),
    "find_refund": lambda gateway: gateway.find_refund(key=REFUND_KEY),
}


def test_a_charge_succeeds_and_is_found_by_its_key(world: World) -> None:
    gateway = world.gateway()

    made = charge(gateway, KEY, world.cards.works)

    assert made == Charge(made.reference, "succeeded", 1250, "GBP")
    assert made.reference
    assert gateway.find_charge(key=KEY) == made
    assert world.captured() == 1


def test_given_the_same_charge_again_then_it_is_the_same_one(world: World) -> None:
    gateway = world.gateway()

    first, again = (charge(gateway, KEY, world.cards.works) for _ in range(2))

    assert again == first
    assert world.captured() == 1


def test_given_a_crowd_that_charges_with_one_key_then_there_is_one_charge(world: World) -> None:
    def patiently(number: int) -> Charge:
        gateway = world.gateway()

        def attempt() -> Charge | None:
            try:
                return charge(gateway, KEY, world.cards.works)
            except GatewayBusy:
                return None

        made = wait_until(attempt, timeout_s=PATIENT_S)
        assert made
        return made

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(patiently, range(8)))

    assert len(made) == 1
    assert world.captured() == 1


def test_given_a_declined_card_then_the_answer_says_why_and_stays(world: World) -> None:
    gateway = world.gateway()

    made = charge(gateway, KEY, world.cards.is_declined)

    assert made == Charge(made.reference, "declined", 1250, "GBP", "Your card was declined.")
    assert charge(gateway, KEY, world.cards.is_declined) == made
    assert gateway.find_charge(key=KEY) == made
    assert world.captured() == 0


def test_given_a_payment_that_needs_time_then_it_is_pending_and_succeeds(world: World) -> None:
    gateway = world.gateway()

    made = charge(gateway, KEY, world.cards.needs_time)
    world.settle()

    found = gateway.find_charge(key=KEY)
    assert (made.state, found and found.state) == ("pending", "succeeded")
    assert charge(gateway, KEY, world.cards.needs_time) == found
    assert world.captured() == 1


def test_given_an_answer_that_never_comes_then_the_charge_is_found_by_its_key(
    world: World,
) -> None:
    with pytest.raises(GatewayUnavailable):
        charge(world.gateway(timeout_s=IMPATIENT_S), KEY, world.cards.never_answers)

    found = world.gateway().find_charge(key=KEY)

    assert found and found.state == "succeeded"
    assert charge(world.gateway(), KEY, world.cards.never_answers) == found
    assert world.captured() == 1


def test_given_an_error_after_the_charge_then_it_is_found_by_its_key(world: World) -> None:
    gateway = world.gateway()

    with pytest.raises(GatewayUnavailable):
        charge(gateway, KEY, world.cards.fails_after)

    found = gateway.find_charge(key=KEY)
    assert found and found.state == "succeeded"
    assert world.captured() == 1


def test_given_a_key_that_was_never_used_then_nothing_is_found(world: World) -> None:
    charge(world.gateway(), "order:2:charge", world.cards.works)

    assert world.gateway().find_charge(key=KEY) is None
    assert world.gateway().find_refund(key=REFUND_KEY) is None


def test_given_a_key_that_was_used_for_something_else_then_nobody_says_it_was_not_done(
    world: World,
) -> None:
    gateway = world.gateway()
    charge(gateway, KEY, world.cards.works)

    with pytest.raises(GatewayRefused) as refused:
        charge(gateway, KEY, world.cards.works, amount_minor=1251)

    assert not isinstance(refused.value, GatewayNotDone)
    found = gateway.find_charge(key=KEY)
    assert found and found.amount_minor == 1250


def test_given_a_charge_in_flight_then_the_same_key_is_told_to_come_back(world: World) -> None:
    with world.in_flight(KEY), pytest.raises(GatewayBusy) as busy:
        charge(world.gateway(), KEY, world.cards.works)

    assert busy.value.retry_after_s > 0


def test_given_an_unknown_card_then_surely_nothing_was_done(world: World) -> None:
    gateway = world.gateway()

    with pytest.raises(GatewayNotDone, match=r"pm_unheard_of|payment_method"):
        charge(gateway, KEY, "pm_unheard_of")

    assert gateway.find_charge(key=KEY) is None
    assert world.captured() == 0


def test_a_refund_gives_the_money_back_once(world: World) -> None:
    gateway = world.gateway()
    taken = charge(gateway, KEY, world.cards.works)

    first, again = (
        gateway.refund(key=REFUND_KEY, charge_reference=taken.reference, amount_minor=1250)
        for _ in range(2)
    )

    assert first == Refund(first.reference, "succeeded", 1250)
    assert again == first
    assert gateway.find_refund(key=REFUND_KEY) == first


def test_given_nothing_left_to_give_back_then_a_refund_is_not_done(world: World) -> None:
    gateway = world.gateway()
    taken = charge(gateway, KEY, world.cards.works).reference
    gateway.refund(key=REFUND_KEY, charge_reference=taken, amount_minor=1000)

    with pytest.raises(GatewayNotDone):
        gateway.refund(key="order:1:refund:more", charge_reference=taken, amount_minor=251)

    assert gateway.find_refund(key="order:1:refund:more") is None


def test_given_a_charge_that_took_nothing_then_a_refund_is_not_done(world: World) -> None:
    gateway = world.gateway()
    declined = charge(gateway, KEY, world.cards.is_declined).reference

    with pytest.raises(GatewayNotDone):
        gateway.refund(key=REFUND_KEY, charge_reference=declined, amount_minor=1250)


@pytest.mark.parametrize("call", CALLS)
def test_given_a_wrong_api_key_then_nobody_says_it_was_not_done(world: World, call: str) -> None:
    stranger = world.gateway(api_key="sk_test_stranger")

    with pytest.raises(GatewayRefused) as refused:
        CALLS[call](stranger)

    assert not isinstance(refused.value, GatewayNotDone)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("gateway", [SandboxGateway, StripeGateway])
def test_given_nobody_at_the_address_then_the_outcome_is_unknown(
    gateway: type[SandboxGateway | StripeGateway], call: str
) -> None:
    with pytest.raises(GatewayUnavailable):
        CALLS[call](gateway(f"http://127.0.0.1:{free_port()}", "sk_test", IMPATIENT_S))
