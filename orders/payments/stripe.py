"""Stripe, by its own library. A charge is a PaymentIntent that is created and confirmed at once.

How an unknown outcome becomes known. Stripe saves its first answer to an idempotency key and gives
it again for at least 24 hours (https://docs.stripe.com/api/idempotent_requests). Repeating the call
would therefore tell what happened, but it *makes* the charge if none was made, and an order that
was called off must only be asked about. So look-ups read, and find the key in the metadata:

    search   any age, one request, but what was charged a moment ago may be missing: under a minute
             normally, longer during an outage (https://docs.stripe.com/search#data-freshness)
    list     has everything at once, but can't be filtered by a key

`find_charge` searches, and if that finds nothing it lists the last `RECENT_S`. A "no" could only be
wrong for a charge that is older than that and still not searchable; a caller that then charges is
stopped by the idempotency key for the day. After the day the key is forgotten, but by then the
search has long known the charge; so never repeat `charge` for an unknown outcome without asking
`find_charge` first, as `tasks.effects` does. Refunds can't be searched. They can be listed by their
PaymentIntent, which `refund` does before it asks for one, and by age, which `find_refund` does.

One answer is final though it looks passing: Stripe keeps a 500 for its key too. The look-up before
each retry notices when Stripe has mended it; otherwise the job ends dead and a person looks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe

from orders.payments.errors import (
    GatewayBusy,
    GatewayError,
    GatewayNotDone,
    GatewayRefused,
    GatewayUnavailable,
)
from orders.payments.values import Charge, ChargeState, Refund, RefundState

# Under which name the key is in the metadata of what it made.
KEY = "idempotency_key"

# How far back charges are listed, in seconds: sixty times what the search index is normally behind.
RECENT_S = 3600

# How far back refunds are listed, in seconds: a job that was retried for a day ends dead, and a
# week is long enough for somebody to have looked at it.
REFUNDS_S = 7 * 24 * 3600

PAGE = 100  # Stripe's largest. https://docs.stripe.com/api/pagination

# https://docs.stripe.com/payments/paymentintents/lifecycle
CHARGE_STATES: dict[str, ChargeState] = {
    "succeeded": "succeeded",
    "processing": "pending",
    "requires_payment_method": "declined",
    "canceled": "declined",
}
# https://docs.stripe.com/api/refunds/object#refund_object-status
REFUND_STATES: dict[str, RefundState] = {"succeeded": "succeeded", "pending": "pending"}

CONFLICT = 409

# About who asks and what the key was used for before, not about what is asked.
REFUSALS = (stripe.AuthenticationError, stripe.PermissionError, stripe.IdempotencyError)


class StripeGateway:
    """See `orders.payments.gateway.Gateway`. `timeout_s` bounds each wait for Stripe."""

    name = "stripe"

    def __init__(self, api_key: str, api_base: str, timeout_s: float) -> None:
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base.rstrip("/")},
            http_client=stripe.RequestsClient(timeout=timeout_s),
            max_network_retries=0,  # the ledger retries, and asks what happened before it does
        )

    def charge(
        self, *, key: str, amount_minor: int, currency: str, payment_method: str, description: str
    ) -> Charge:
        with _errors(GatewayNotDone):
            try:
                intent = self._client.v1.payment_intents.create(
                    params={
                        "amount": amount_minor,
                        "currency": currency.lower(),
                        "payment_method": payment_method,
                        "description": description,
                        "metadata": {KEY: key},
                        "confirm": True,
                        # The customer has gone: nobody can be sent to a bank's page any more.
                        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                        "error_on_requires_action": True,
                    },
                    options={"idempotency_key": key},
                )
            except stripe.CardError as error:
                return _declined(error, amount_minor, currency)
        charge = _charge(intent)
        # Pending may be the saved first answer. How does it stand now?
        return self._retrieve(intent.id) if charge.state == "pending" else charge

    def refund(self, *, key: str, charge_reference: str, amount_minor: int) -> Refund:
        with _errors(GatewayRefused):
            listed = self._client.v1.refunds.list(
                params={"payment_intent": charge_reference, "limit": PAGE}
            )
            if found := _first_with(key, listed):
                return _refund(found)
        with _errors(GatewayNotDone):
            made = self._client.v1.refunds.create(
                params={
                    "payment_intent": charge_reference,
                    "amount": amount_minor,
                    "metadata": {KEY: key},
                },
                options={"idempotency_key": key},
            )
        return _refund(made)

    def find_charge(self, *, key: str) -> Charge | None:
        intents = self._client.v1.payment_intents
        with _errors(GatewayRefused):
            found = _first_with(
                key, intents.search(params={"query": _query(key), "limit": PAGE})
            ) or _first_with(
                key, intents.list(params={"created": {"gte": _ago(RECENT_S)}, "limit": PAGE})
            )
        return None if found is None else self._retrieve(found.id)

    def find_refund(self, *, key: str) -> Refund | None:
        with _errors(GatewayRefused):
            listed = self._client.v1.refunds.list(
                params={"created": {"gte": _ago(REFUNDS_S)}, "limit": PAGE}
            )
            found = _first_with(key, listed)
        return None if found is None else _refund(found)

    def _retrieve(self, intent_id: str) -> Charge:
        """As it is now: what was found, or answered a while ago, may have changed since."""
        with _errors(GatewayRefused):
            return _charge(self._client.v1.payment_intents.retrieve(intent_id))


def _first_with(key: str, pages: Any) -> Any:
    """The first object made with the key, all pages looked through; None if there is none."""
    for made in pages.auto_paging_iter():
        if getattr(made.metadata, KEY, None) == key:
            return made
    return None


def _query(key: str) -> str:
    """https://docs.stripe.com/search#search-query-language"""
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'metadata["{KEY}"]:"{quoted}"'


def _ago(seconds: int) -> int:
    return int(time.time()) - seconds


def _charge(intent: Any) -> Charge:
    state = CHARGE_STATES.get(intent.status)
    if state is None:
        raise GatewayRefused(f"Stripe has left {intent.id} in the state {intent.status!r}.")
    message = _why_declined(intent) if state == "declined" else ""
    return Charge(intent.id, state, intent.amount, intent.currency.upper(), message)


def _why_declined(intent: Any) -> str:
    problem = getattr(intent, "last_payment_error", None)
    return str(getattr(problem, "message", "") or "The card was declined.")


def _declined(error: stripe.CardError, amount_minor: int, currency: str) -> Charge:
    intent = getattr(error.error, "payment_intent", None)
    return Charge(
        reference=str(getattr(intent, "id", "") or error.request_id or ""),
        state="declined",
        amount_minor=amount_minor,
        currency=currency,
        message=str(error.user_message or "The card was declined."),
    )


def _refund(refund: Any) -> Refund:
    state = REFUND_STATES.get(refund.status)
    if state is None:
        why = getattr(refund, "failure_reason", "") or "no reason given"
        raise GatewayRefused(f"Stripe's refund {refund.id} is {refund.status!r}: {why}.")
    return Refund(refund.id, state, refund.amount)


@contextmanager
def _errors(rejected: type[GatewayRefused]) -> Iterator[None]:
    """The library's errors as the gateway's; `rejected` is what a request that is wrong raises."""
    try:
        yield
    except stripe.StripeError as error:
        raise _translated(error, rejected) from error


def _translated(error: stripe.StripeError, rejected: type[GatewayRefused]) -> GatewayError:
    reason = f"Stripe answered {error.http_status or 'nothing'}: {error.user_message or error}"
    if isinstance(error, stripe.RateLimitError) or error.http_status == CONFLICT:
        return GatewayBusy(reason, retry_after_s=_retry_after_s(error))
    if isinstance(error, stripe.InvalidRequestError | stripe.CardError):
        return rejected(reason)
    if isinstance(error, REFUSALS):
        return GatewayRefused(reason)
    return GatewayUnavailable(reason)


def _retry_after_s(error: stripe.StripeError) -> float:
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    text = headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 1.0
