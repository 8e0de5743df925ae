from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from orders.payments.checks import check_payments, check_real_money

GOOD = {
    "PAYMENT_GATEWAY": "sandbox",
    "PAYMENT_TIMEOUT_S": 8.0,
    "SANDBOX_PAYMENTS_URL": "http://127.0.0.1:8001",
    "SANDBOX_PAYMENTS_KEY": "secret",
    "STRIPE_API_KEY": "sk_test_any",
    "STRIPE_API_BASE": "https://api.stripe.com",
}


@pytest.mark.parametrize("name", ["sandbox", "stripe"])
def test_given_good_settings_then_there_is_nothing_to_say(settings: Settings, name: str) -> None:
    for setting, value in {**GOOD, "PAYMENT_GATEWAY": name}.items():
        setattr(settings, setting, value)

    assert check_payments(None) == []


@pytest.mark.parametrize(
    ("changes", "check", "says"),
    [
        ({"PAYMENT_GATEWAY": "paypal"}, "payments.E001", "Set PAYMENT_GATEWAY"),
        ({"SANDBOX_PAYMENTS_KEY": ""}, "payments.E002", "Set SANDBOX_PAYMENTS_KEY"),
        ({"SANDBOX_PAYMENTS_URL": "127.0.0.1:8001"}, "payments.E003", "SANDBOX_PAYMENTS_URL"),
        (
            {"PAYMENT_GATEWAY": "stripe", "STRIPE_API_KEY": ""},
            "payments.E004",
            "Set STRIPE_API_KEY",
        ),
        (
            {"PAYMENT_GATEWAY": "stripe", "STRIPE_API_KEY": "pk_live_1"},
            "payments.E005",
            "must be a secret key",
        ),
        (
            {"PAYMENT_GATEWAY": "stripe", "STRIPE_API_BASE": "http://api.stripe.com"},
            "payments.E006",
            "Set STRIPE_API_BASE",
        ),
        (
            {"SANDBOX_WEBHOOK_URL": "localhost/hook", "SANDBOX_WEBHOOK_SECRET": "secret"},
            "payments.E008",
            "Set SANDBOX_WEBHOOK_URL",
        ),
        (
            {"SANDBOX_WEBHOOK_URL": "http://127.0.0.1:8000/webhooks/payments/sandbox"},
            "payments.E009",
            "Set SANDBOX_WEBHOOK_SECRET",
        ),
        (
            {"PAYMENT_GATEWAY": "stripe", "STRIPE_WEBHOOK_SECRET": "sk_live_1"},
            "payments.E010",
            "must be the signing secret",
        ),
        ({"PAYMENT_TIMEOUT_S": 0}, "payments.E007", "Set PAYMENT_TIMEOUT_S"),
        ({"PAYMENT_TIMEOUT_S": 60}, "payments.E007", "at most 25"),
    ],
)
def test_given_a_bad_setting_then_one_sentence_says_what_to_set(
    settings: Settings, changes: dict[str, object], check: str, says: str
) -> None:
    for setting, value in {**GOOD, **changes}.items():
        setattr(settings, setting, value)

    (message,) = check_payments(None)

    assert message.id == check
    assert says in message.msg


def test_given_the_sandbox_in_production_then_the_deployment_check_warns(
    settings: Settings,
) -> None:
    settings.PAYMENT_GATEWAY = "sandbox"
    (warning,) = check_real_money(None)
    assert "no money moves" in warning.msg

    settings.PAYMENT_GATEWAY = "stripe"
    assert check_real_money(None) == []
