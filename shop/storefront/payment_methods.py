"""Which cards the checkout offers. Only test cards: a real card's number must never come here.

Real cards need the provider's own card form, which runs scripts from the provider's site; a shop
that goes live adds it together with an exception in `shop.headers`.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True)
class PaymentMethod:
    """`token` is what the provider calls the card; `label` says what happens with it."""

    token: str
    label: str


SANDBOX = (
    PaymentMethod("pm_ok", "A card that works"),
    PaymentMethod("pm_decline", "A card that is declined"),
    PaymentMethod("pm_slow", "A card that needs a few seconds"),
    PaymentMethod("pm_timeout", "The provider charges, but its answer never arrives"),
    PaymentMethod("pm_error500", "The provider fails once, then works"),
    PaymentMethod("pm_error500_after", "The provider charges, but answers with an error"),
)

# https://docs.stripe.com/testing
STRIPE_TEST = (
    PaymentMethod("pm_card_visa", "Visa that works"),
    PaymentMethod("pm_card_chargeDeclined", "Card that is declined"),
)


def is_sandbox() -> bool:
    """Whether no money can move: the sandbox provider, or Stripe with a test key."""
    return settings.PAYMENT_GATEWAY == "sandbox" or _has_stripe_test_key()


def payment_methods() -> tuple[PaymentMethod, ...]:
    """Empty when the shop takes real money: then the checkout says that it can't take cards."""
    if settings.PAYMENT_GATEWAY == "sandbox":
        return SANDBOX
    return STRIPE_TEST if _has_stripe_test_key() else ()


def _has_stripe_test_key() -> bool:
    return str(settings.STRIPE_API_KEY).startswith(("sk_test_", "rk_test_"))
