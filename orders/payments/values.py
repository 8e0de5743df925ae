"""What a provider answers. Amounts are minor units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ChargeState = Literal["succeeded", "declined", "pending"]

# A refund that failed is an error (`GatewayRefused`): somebody still has the customer's money.
RefundState = Literal["succeeded", "pending"]


@dataclass(frozen=True)
class Charge:
    reference: str
    """The provider's own name for it."""
    state: ChargeState
    amount_minor: int
    currency: str
    message: str = ""
    """Why it was declined, in words that a customer may read."""


@dataclass(frozen=True)
class Refund:
    reference: str
    state: RefundState
    amount_minor: int
