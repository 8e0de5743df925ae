"""What the session remembers of a checkout under way.

`token` names the checkout. It travels in the form and becomes the order's `source`, which is
unique: a form that is sent twice, even at the same moment, gives one order. `shown_minor` is the
total the customer saw last; when prices have changed since, the customer is asked again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.contrib.sessions.backends.base import SessionBase

SESSION_KEY = "checkout"
SOURCE_PREFIX = "web:"


@dataclass(frozen=True)
class CheckoutSession:
    token: str
    shown_minor: int


def source_of(token: str) -> str:
    """`Order.source` of the checkout with this token."""
    return f"{SOURCE_PREFIX}{token}"


def read(session: SessionBase) -> CheckoutSession | None:
    saved = session.get(SESSION_KEY)
    return CheckoutSession(**saved) if saved else None


def show(session: SessionBase, *, total_minor: int) -> CheckoutSession:
    """Remember the total that the customer is about to see; the token stays the same."""
    known = read(session)
    token = known.token if known else secrets.token_urlsafe(16)
    checkout = CheckoutSession(token=token, shown_minor=total_minor)
    if checkout != known:
        session[SESSION_KEY] = {"token": token, "shown_minor": total_minor}
    return checkout


def finish(session: SessionBase) -> None:
    session.pop(SESSION_KEY, None)
