"""The payment methods the provider takes: no cards, but ways in which a payment can go."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from orders.sandbox.models import Charge


class Trouble(Enum):
    """What goes wrong around a charge, the first time its key is used."""

    NONE = auto()
    FAILS_BEFORE = auto()
    """An error, and nothing was charged. The next request with the key works."""
    FAILS_AFTER = auto()
    """Charged, and an error for an answer."""
    NO_ANSWER = auto()
    """Charged, and no answer for longer than a client waits."""


@dataclass(frozen=True)
class Card:
    state: Charge.State = Charge.State.SUCCEEDED
    message: str = ""
    trouble: Trouble = Trouble.NONE


CARDS = {
    "pm_ok": Card(),
    "pm_decline": Card(Charge.State.DECLINED, "Your card was declined."),
    "pm_slow": Card(Charge.State.PENDING),
    "pm_timeout": Card(trouble=Trouble.NO_ANSWER),
    "pm_error500": Card(trouble=Trouble.FAILS_BEFORE),
    "pm_error500_after": Card(trouble=Trouble.FAILS_AFTER),
}
