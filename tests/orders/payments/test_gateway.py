from __future__ import annotations

import os

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from orders.payments.gateway import configured_gateway


@pytest.mark.parametrize("name", ["sandbox", "stripe"])
def test_given_a_configured_gateway_then_it_is_made_once(settings: Settings, name: str) -> None:
    settings.PAYMENT_GATEWAY, settings.STRIPE_API_KEY = name, "sk_test_any"

    assert configured_gateway().name == name
    assert configured_gateway() is configured_gateway()


def test_given_another_setting_then_it_counts_at_once(settings: Settings) -> None:
    first = configured_gateway()
    settings.PAYMENT_TIMEOUT_S = 3.5

    assert configured_gateway() is not first


def test_given_a_forked_process_then_it_makes_a_gateway_of_its_own() -> None:
    parent = id(configured_gateway())
    child = os.fork()
    if child == 0:
        os._exit(0 if id(configured_gateway()) != parent else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    ("name", "missing", "says"),
    [
        ("sandbox", "SANDBOX_PAYMENTS_KEY", "Set SANDBOX_PAYMENTS_KEY"),
        ("stripe", "STRIPE_API_KEY", "Set STRIPE_API_KEY"),
        ("paypal", "STRIPE_API_KEY", "Set PAYMENT_GATEWAY to sandbox or stripe, not 'paypal'"),
    ],
)
def test_given_a_missing_setting_then_one_sentence_says_what_to_set(
    settings: Settings, name: str, missing: str, says: str
) -> None:
    settings.PAYMENT_GATEWAY = name
    setattr(settings, missing, "")

    with pytest.raises(ImproperlyConfigured, match=says):
        configured_gateway()
