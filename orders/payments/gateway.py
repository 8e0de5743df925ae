"""What the shop needs from a payment provider, and which provider it uses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from orders.payments.sandbox import SandboxGateway
from orders.payments.stripe import StripeGateway
from orders.payments.values import Charge, Refund

__all__ = ["Charge", "Gateway", "Refund", "configured_gateway"]


class Gateway(Protocol):
    """A provider. Every call may raise the errors of `orders.payments.errors`.

    Amounts are minor units (pence, cents). Asking twice with the same key and parameters is asking
    once: the provider answers the second time what it answered the first.
    """

    name: str

    def charge(
        self, *, key: str, amount_minor: int, currency: str, payment_method: str, description: str
    ) -> Charge:
        """Take money. A declined card is an answer, not an error."""
        ...

    def refund(self, *, key: str, charge_reference: str, amount_minor: int) -> Refund:
        """Give money back for a succeeded charge."""
        ...

    def find_charge(self, *, key: str) -> Charge | None:
        """What became of the charge with this key; None if the provider surely never made it."""
        ...

    def find_refund(self, *, key: str) -> Refund | None:
        """What became of the refund with this key; None if the provider surely never made it."""
        ...


def configured_gateway() -> Gateway:
    """The gateway of `PAYMENT_GATEWAY`. Raises `ImproperlyConfigured` with what to set."""
    if settings.PAYMENT_GATEWAY == "sandbox":
        return _sandbox(
            settings.SANDBOX_PAYMENTS_URL,
            settings.SANDBOX_PAYMENTS_KEY,
            settings.PAYMENT_TIMEOUT_S,
        )
    if settings.PAYMENT_GATEWAY == "stripe":
        return _stripe(
            settings.STRIPE_API_KEY, settings.STRIPE_API_BASE, settings.PAYMENT_TIMEOUT_S
        )
    raise ImproperlyConfigured(
        f"Set PAYMENT_GATEWAY to sandbox or stripe, not {settings.PAYMENT_GATEWAY!r}."
    )


# One client, and so one set of kept-alive connections, a process. A worker's children make theirs
# after the fork, since its main process never asks for money.
_sandbox = cache(SandboxGateway)
_stripe = cache(StripeGateway)
