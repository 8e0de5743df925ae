"""A payment provider in memory that answers as a test says, and is idempotent by key."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Literal

from orders.payments.errors import GatewayBusy, GatewayNotDone, GatewayUnavailable
from orders.payments.values import Charge, ChargeState, Refund, RefundState

Answer = Literal["ok", "decline", "pending", "lost_before", "lost_after", "busy", "not_done"]

CHARGE_STATES: dict[Answer, ChargeState] = {"decline": "declined", "pending": "pending"}


@dataclass
class ScriptedProvider:
    """Answers each call by the next word of `script`, then by `ok`.

    lost_before: the request never arrived. lost_after: it did, and the answer was lost.
    """

    name: str = "sandbox"
    script: deque[Answer] = field(default_factory=deque)
    charges: dict[str, Charge] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def charge(
        self, *, key: str, amount_minor: int, currency: str, payment_method: str, description: str
    ) -> Charge:
        self.calls.append(f"charge {key}")
        answer = self._next()
        self._fail_before(answer)
        made = Charge(
            reference=f"ch_{len(self.charges)}_{key}",
            state=CHARGE_STATES.get(answer, "succeeded"),
            amount_minor=amount_minor,
            currency=currency,
            message="Not enough money." if answer == "decline" else "",
        )
        kept = self.charges.setdefault(key, made)
        self._fail_after(answer)
        return kept

    def refund(self, *, key: str, charge_reference: str, amount_minor: int) -> Refund:
        self.calls.append(f"refund {key}")
        answer = self._next()
        self._fail_before(answer)
        charge = next(c for c in self.charges.values() if c.reference == charge_reference)
        assert charge.state == "succeeded", "refunded what was never captured"
        assert amount_minor == charge.amount_minor
        state: RefundState = "pending" if answer == "pending" else "succeeded"
        made = Refund(reference=f"re_{key}", state=state, amount_minor=amount_minor)
        kept = self.refunds.setdefault(key, made)
        self._fail_after(answer)
        return kept

    def find_charge(self, *, key: str) -> Charge | None:
        self.calls.append(f"find_charge {key}")
        return self.charges.get(key)

    def find_refund(self, *, key: str) -> Refund | None:
        self.calls.append(f"find_refund {key}")
        return self.refunds.get(key)

    def settle(self, *, declined: bool = False) -> None:
        """Whatever is pending comes to its end."""
        state: Literal["declined", "succeeded"] = "declined" if declined else "succeeded"
        for key, charge in self.charges.items():
            if charge.state == "pending":
                self.charges[key] = replace(charge, state=state)
        for key, refund in self.refunds.items():
            if refund.state == "pending":
                self.refunds[key] = replace(refund, state="succeeded")

    def forget(self) -> None:
        """Start over, for another order."""
        for memory in (self.script, self.charges, self.refunds, self.calls):
            memory.clear()

    def made(self, what: str) -> int:
        """How often the provider was asked for it."""
        return sum(call.split()[0] == what for call in self.calls)

    def money_kept(self, reference: str) -> int:
        """Minor units taken for the order and not given back."""
        charge = self.charges.get(f"{reference}:charge")
        refund = self.refunds.get(f"{reference}:refund")
        taken = charge.amount_minor if charge and charge.state == "succeeded" else 0
        return taken - (refund.amount_minor if refund and refund.state == "succeeded" else 0)

    def _next(self) -> Answer:
        return self.script.popleft() if self.script else "ok"

    def _fail_before(self, answer: Answer) -> None:
        if answer == "lost_before":
            raise GatewayUnavailable("the connection was refused")
        if answer == "busy":
            raise GatewayBusy("busy", retry_after_s=1.0)
        if answer == "not_done":
            raise GatewayNotDone("no such token")

    def _fail_after(self, answer: Answer) -> None:
        if answer == "lost_after":
            raise GatewayUnavailable("the connection was cut")
