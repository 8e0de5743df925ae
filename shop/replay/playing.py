"""Plays a plan: places its orders in order of time and takes back what came back.

Everything here may be stopped at any moment and started again. An order's `source` names its
invoice, so placing it again changes nothing; cancelling a cancelled order changes nothing either.
The orders in flight are bounded, so that the replay is a busy day and not a pile.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db.models import QuerySet

from orders.cancelling import cancel_order
from orders.errors import OrderRefused
from orders.models import Order
from orders.placing import LineRequest, place_order
from orders.states import UNPAID
from shop.closing.watching import LOOK_EVERY_S, Stalled
from shop.progress import Reporter
from shop.replay.invoices import Invoice
from shop.replay.pace import Pace
from shop.replay.plan import Plan
from shop.replay.refusals import Refusal
from shop.replay.returns import Return

PAYMENT_METHOD = "pm_ok"


def orders_of(plan: Plan) -> QuerySet[Order]:
    """The shop's orders that the plan's invoices became."""
    return Order.objects.filter(source__in=[each.source for each in plan.orders])


@dataclass(kw_only=True)
class Played:
    """What a replay did so far."""

    placed: int = 0
    placed_before: int = 0
    cancelled: int = 0
    cancelled_before: int = 0
    cancelled_beyond: int = 0
    """Cancelled orders of which the file takes back only a part; the shop cancels whole ones."""

    refused: list[Refusal] = field(default_factory=list)
    refused_orders: int = 0


class Player:
    """One replay of a plan."""

    def __init__(
        self,
        plan: Plan,
        *,
        pace: Pace,
        in_flight: int,
        stall_s: float,
        reporter: Reporter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.played = Played()
        self._plan = plan
        self._pace = pace
        self._in_flight = in_flight
        self._stall_s = stall_s
        self._reporter = reporter
        self._sleep = sleep
        self._orders = orders_of(plan)
        self._known = set(self._orders.values_list("source", flat=True))
        self._room = 0
        self._returns: deque[Return] = deque()

    def play(self) -> None:
        """Place every order. Returns that wait for their order's end are left to `settle_returns`.

        Raises `Stalled` when the orders in flight don't move.
        """
        for step in self._plan.steps:
            self._wait_until_due(step)
            if isinstance(step, Return):
                self._returns.append(step)
            else:
                self._place(step)
            self._report()

    def settle_returns(self) -> bool:
        """Cancel the orders taken back that have come to their end; True if others have not yet.

        A customer can only send back what has arrived, so a return waits for its order.
        """
        for _ in range(len(self._returns)):
            taken = self._returns.popleft()
            order = Order.objects.filter(source=taken.source).first()
            if order is not None and order.state in UNPAID:
                self._returns.append(taken)
            else:
                self._take_back(taken, order)
        return bool(self._returns)

    def _place(self, invoice: Invoice) -> None:
        known = invoice.source in self._known
        if not known:
            self._wait_for_room()
        try:
            place_order(
                email=email_of(invoice),
                lines=[LineRequest(sku, units) for sku, units in invoice.quantities.items()],
                payment_method=PAYMENT_METHOD,
                source=invoice.source,
            )
        except OrderRefused as refused:
            self._refuse(invoice, refused)
            return
        self._room -= not known
        self.played.placed += not known
        self.played.placed_before += known

    def _refuse(self, invoice: Invoice, refused: OrderRefused) -> None:
        rest = "; ".join(
            text for key, text in refused.errors.items() if key not in invoice.quantities
        )
        otherwise = rest or "another line of its invoice was refused"
        self.played.refused_orders += 1
        self.played.refused += [
            Refusal(
                line=line.line,
                invoice=line.invoice,
                sku=line.sku,
                reason=refused.errors.get(line.sku, otherwise),
            )
            for line in invoice.lines
        ]

    def _take_back(self, taken: Return, order: Order | None) -> None:
        if order is None:
            self._refuse_return(taken, "takes back an order that was refused")
        elif order.state == Order.State.FAILED:
            self._refuse_return(taken, "takes back an order that had failed")
        elif cancel_order(order_id=order.pk, actor="replay", reason=f"credit note {taken.credit}"):
            self.played.cancelled += 1
            self.played.cancelled_beyond += not taken.is_whole
        else:
            self.played.cancelled_before += 1

    def _refuse_return(self, taken: Return, reason: str) -> None:
        self.played.refused += [
            Refusal(line=line.line, invoice=line.invoice, sku=line.sku, reason=reason)
            for line in taken.lines
        ]

    def _wait_until_due(self, step: Invoice | Return) -> None:
        while (left_s := self._pace.seconds_until(step.at)) > 0:
            self.settle_returns()
            self._sleep(min(left_s, 1.0))

    def _wait_for_room(self) -> None:
        """Let the workers catch up when as many orders are in flight as there may be."""
        if self._room > 0:
            return
        newest, moved_at = -1, time.monotonic()
        while (waiting := self._orders.filter(state__in=UNPAID).count()) >= self._in_flight:
            if waiting != newest:
                newest, moved_at = waiting, time.monotonic()
            elif time.monotonic() - moved_at > self._stall_s:
                raise Stalled(
                    f"{waiting:,} orders are in flight and none has moved for {self._stall_s:g} s."
                )
            self.settle_returns()
            self._report(note="waiting for workers")
            self._sleep(LOOK_EVERY_S)
        self._room = self._in_flight - waiting

    def _report(self, *, note: str = "") -> None:
        played = self.played
        done = played.placed + played.placed_before + played.refused_orders
        self._reporter.update(done, note=note)


def email_of(invoice: Invoice) -> str:
    """An address that no mail ever reaches (RFC 2606); one for each customer or unknown buyer."""
    name = f"customer-{invoice.customer}" if invoice.customer else f"guest-{invoice.number}"
    return f"{name.lower()}@replay.example"
