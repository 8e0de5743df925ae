"""What a provider tells unasked: is it the provider, and which of our charges or refunds is meant?

Of what a notice says only the key is used. How things stand the provider is asked.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import stripe
from django.conf import settings

from orders.payments import signature
from orders.payments.errors import NoticeInvalid
from orders.payments.stripe import KEY

MAX_CHARS = 255


@dataclass(frozen=True)
class Notice:
    """`event_id` is the provider's own name for the event; `key` our idempotency key, or empty."""

    provider: str
    event_id: str
    kind: str
    key: str


def secret_of(provider: str) -> str:
    """The secret that the provider's notices are signed with; empty when none are expected."""
    secrets = {
        "sandbox": settings.SANDBOX_WEBHOOK_SECRET,
        "stripe": settings.STRIPE_WEBHOOK_SECRET,
    }
    return str(secrets.get(provider, ""))


def read_sandbox(body: bytes, header: str) -> Notice:
    """Raises `NoticeInvalid`."""
    if not signature.is_signed(body, header, secret=secret_of("sandbox"), now=time.time()):
        raise NoticeInvalid("The signature is wrong or too old.")
    event = _object(body)
    return Notice("sandbox", _text(event, "id"), _text(event, "type"), _text(event, "key"))


def read_stripe(body: bytes, header: str) -> Notice:
    """https://docs.stripe.com/webhooks#verify-official-libraries. Raises `NoticeInvalid`."""
    try:
        stripe.WebhookSignature.verify_header(
            body.decode(), header, secret_of("stripe"), signature.TOLERANCE_S
        )
    except (stripe.SignatureVerificationError, ValueError) as error:
        raise NoticeInvalid("The signature is wrong or too old.") from error
    event = _object(body)
    return Notice("stripe", _text(event, "id"), _text(event, "type"), _key_in_metadata(event))


def _object(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NoticeInvalid("The body is no JSON.") from error
    if not isinstance(event, dict):
        raise NoticeInvalid("The body is no event.")
    return event


def _text(event: dict[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_CHARS or not value.isprintable():
        raise NoticeInvalid(f"The event has no proper {name!r}.")
    return value


def _key_in_metadata(event: dict[str, Any]) -> str:
    """Where `orders.payments.stripe` put it. Empty for what is not ours, or is of another kind."""
    found: Any = event
    for name in ("data", "object", "metadata", KEY):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) and len(found) <= MAX_CHARS else ""
