"""Stripe, by its own library.

Two things make an unknown outcome known again. Stripe answers a repeated idempotency key with its
first answer for at least 24 hours (https://docs.stripe.com/api/idempotent_requests), so repeating a
call is safe that long even when `find_charge` doesn't see it yet. After that, and for answers that
changed since, the key is looked for in the objects' metadata: Stripe's search index may be a minute
behind (https://docs.stripe.com/search#data-freshness), never a day.
"""

from __future__ import annotations

import time
from typing import Any

import stripe

from orders.payments.errors import GatewayBusy, GatewayRefused, GatewayUnavailable
from orders.payments.values import Charge, ChargeState, Refund, RefundState

KEY = "idempotency_key"

# Refunds can't be searched, only listed; none is looked for later than this, in seconds.
REFUND_WINDOW_S = 7 * 24 * 3600

CHARGE_STATES: dict[str, ChargeState] = {"succeeded": "succeeded", "processing": "pending"}
REFUND_STATES: dict[str, RefundState] = {"succeeded": "succeeded", "pending": "pending"}


class StripeGateway:
    """See `orders.payments.gateway.Gateway`. A charge is a confirmed PaymentIntent."""

    name = "stripe"

    def __init__(self, api_key: str, api_base: str, timeout_s: float) -> None:
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base},
            http_client=stripe.RequestsClient(timeout=timeout_s),
            max_network_retries=0,  # the ledger retries
        )

    def charge(
        self, *, key: str, amount_minor: int, currency: str, payment_method: str, description: str
    ) -> Charge:
        try:
            intent = self._client.v1.payment_intents.create(
                params={
                    "amount": amount_minor,
                    "currency": currency.lower(),
                    "payment_method": payment_method,
                    "description": description,
                    "confirm": True,
                    "metadata": {KEY: key},
                    # The customer is not there any more to be sent to a bank's page.
                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                },
                options={"idempotency_key": key},
            )
        except stripe.CardError as error:
            return _declined(error, amount_minor, currency)
        except stripe.StripeError as error:
            raise _translated(error) from error
        return _charge(intent)

    def refund(self, *, key: str, charge_reference: str, amount_minor: int) -> Refund:
        try:
            refund = self._client.v1.refunds.create(
                params={
                    "payment_intent": charge_reference,
                    "amount": amount_minor,
                    "metadata": {KEY: key},
                },
                options={"idempotency_key": key},
            )
        except stripe.StripeError as error:
            raise _translated(error) from error
        return _refund(refund)

    def find_charge(self, *, key: str) -> Charge | None:
        query = f'metadata["{KEY}"]:"{key}"'
        try:
            found = self._client.v1.payment_intents.search(params={"query": query})
        except stripe.StripeError as error:
            raise _translated(error) from error
        return _charge(found.data[0]) if found.data else None

    def find_refund(self, *, key: str) -> Refund | None:
        since = int(time.time()) - REFUND_WINDOW_S
        try:
            listed = self._client.v1.refunds.list(
                params={"created": {"gte": since}, "limit": 100}
            )
            for refund in listed.auto_paging_iter():
                if (refund.metadata or {}).get(KEY) == key:
                    return _refund(refund)
        except stripe.StripeError as error:
            raise _translated(error) from error
        return None


def _charge(intent: Any) -> Charge:
    state = CHARGE_STATES.get(intent.status, "declined")
    message = ""
    if state == "declined":
        problem = getattr(intent, "last_payment_error", None)
        message = getattr(problem, "message", "") or "The card needs the customer's confirmation."
    return Charge(intent.id, state, intent.amount, intent.currency.upper(), message)


def _declined(error: stripe.CardError, amount_minor: int, currency: str) -> Charge:
    intent = getattr(error.error, "payment_intent", None)
    reference = str(getattr(intent, "id", "") or error.request_id or "declined")
    return Charge(reference, "declined", amount_minor, currency, error.user_message or "")


def _refund(refund: Any) -> Refund:
    return Refund(refund.id, REFUND_STATES.get(refund.status, "failed"), refund.amount)


def _translated(error: stripe.StripeError) -> Exception:
    reason = str(error.user_message or error)
    if isinstance(error, stripe.RateLimitError) or error.http_status == 409:
        headers = dict(error.headers or {})
        after = str(headers.get("Retry-After", headers.get("retry-after", "")))
        return GatewayBusy(reason, retry_after_s=float(after) if after.isdecimal() else 1.0)
    refused = (
        stripe.InvalidRequestError,
        stripe.AuthenticationError,
        stripe.PermissionError,
        stripe.IdempotencyError,
    )
    if isinstance(error, refused):
        return GatewayRefused(f"Stripe refused: {reason}")
    return GatewayUnavailable(f"Stripe gave no usable answer: {reason}")
