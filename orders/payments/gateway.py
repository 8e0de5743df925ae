"""What the shop needs from a payment provider, and which provider it uses."""

from __future__ import annotations

import os
from functools import cache
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from orders.payments.sandbox import SandboxGateway
from orders.payments.stripe import StripeGateway
from orders.payments.values import Charge, Refund

__all__ = ["Charge", "Gateway", "Refund", "configured_gateway"]


class Gateway(Protocol):
    """A payment provider. Every call may raise the errors of `orders.payments.errors`.

    Amounts are minor units (pence, cents), currencies three capital letters. Asking twice with one
    key and the same parameters is asking once, and the second answer says how things stand by then.
    A look-up speaks of the past: a request that is still on its way to the provider, or just being
    worked on there, may happen after a None. None of the calls may run inside a transaction.
    """

    name: str

    def charge(
        self, *, key: str, amount_minor: int, currency: str, payment_method: str, description: str
    ) -> Charge:
        """Take money. A declined card is an answer, not an error."""
        ...

    def refund(self, *, key: str, charge_reference: str, amount_minor: int) -> Refund:
        """Give money back from a charge that succeeded, never more than it took."""
        ...

    def find_charge(self, *, key: str) -> Charge | None:
        """How the charge of this key stands; None if the provider surely never made one."""
        ...

    def find_refund(self, *, key: str) -> Refund | None:
        """How the refund of this key stands; None if the provider surely never made one."""
        ...


def configured_gateway() -> Gateway:
    """The gateway of PAYMENT_GATEWAY. Raises `ImproperlyConfigured` with what to set."""
    if settings.PAYMENT_GATEWAY == "sandbox":
        return _sandbox(
            settings.SANDBOX_PAYMENTS_URL,
            _required("SANDBOX_PAYMENTS_KEY"),
            settings.PAYMENT_TIMEOUT_S,
        )
    if settings.PAYMENT_GATEWAY == "stripe":
        return _stripe(
            _required("STRIPE_API_KEY"), settings.STRIPE_API_BASE, settings.PAYMENT_TIMEOUT_S
        )
    raise ImproperlyConfigured(
        f"Set PAYMENT_GATEWAY to sandbox or stripe, not {settings.PAYMENT_GATEWAY!r}."
    )


def _required(name: str) -> str:
    value = str(getattr(settings, name))
    if not value:
        raise ImproperlyConfigured(
            f"Set {name}, or another PAYMENT_GATEWAY than {settings.PAYMENT_GATEWAY!r}."
        )
    return value


# One client a process, since it keeps connections open between calls. A forked child makes its own:
# two processes that talk over one connection get each other's answers.
_sandbox = cache(SandboxGateway)
_stripe = cache(StripeGateway)
os.register_at_fork(after_in_child=_sandbox.cache_clear)
os.register_at_fork(after_in_child=_stripe.cache_clear)
