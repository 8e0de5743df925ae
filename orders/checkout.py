"""Checkout: from a placed order to a confirmed one, or to one that ended and gave all back.

    placed ──hold the goods──▶ reserved ──take the money──▶ paid ──confirm──▶ confirmed
      └───sold out────────────────┴──────declined───────sold out┴──▶ failed, all given back

The problem: the goods are in our database, the money is at a provider, and the worker between them
may be killed after any instruction; two workers may run the same checkout at once; an operator may
cancel in the middle; the provider may time out after it took the money. Without care one of these
sells a thing twice, charges twice, or keeps the money of an order that failed.

The way out: a checkout is a loop of *look, do the next thing, look again*. Everything done is
either one transaction whose first statement is a conditional UPDATE (`orders.states`), or a call
that a key makes happen once (`inventory.reservations`, `orders.cashier`). So a run may stop
anywhere, and the next one, on any worker, starts from what is written:

killed …                               leaves                          and the next run
─────────────────────────────────────  ──────────────────────────────  ───────────────────────────
before the goods are held              placed                          starts over
after it, order not yet reserved       placed, goods held for it       holds the same goods: there
                                                                       is one hold a reference
after the order is reserved            reserved, payment pending       takes the money
after the payment is marked charging   charging, no effect yet         charges
before or during the call              charging, effect intended       asks the provider by key; it
                                                                       knows nothing: charges
after the provider took the money      charging, effect intended       asks by key and finds it
after the answer is saved              charging, effect done           reads the saved answer
after the payment is captured          reserved, captured              confirms
inside confirming                      as before it (rolled back)      confirms
after confirming                       confirmed, e-mail enqueued      has nothing to do
inside an ending                       as before it (rolled back)      ends the order
after an ending                        failed or cancelled; payment    releases what an overlapping
                                       void or refund job enqueued     run may still have held

Other runs and people at the same time: whoever loses a conditional UPDATE looks again. An order
cancelled while it is being charged has its refund job enqueued by the cancelling transaction,
because the payment was marked charging before the provider was asked; this module then only finds
out and writes down what the provider did. Reserved goods run out after a while: each run holds them
again before it takes money, and if they run out during the payment, confirming notices it, the
goods are held anew, or, sold out by now, the order fails and the money goes back.

Waiting: a provider that needs time snoozes the job, one that is down has it retried with backoff;
the order waits as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from inventory import reservations
from inventory.errors import OutOfStock
from inventory.reservations import Wanted
from orders import cashier, endings, inquiries, jobs, receipts, states, timeline
from orders.models import Order, Payment
from orders.payments.errors import GatewayNotDone
from tasks.outcomes import Retry

# A second look finds the order confirmed or ended, a third one is needed when goods ran out or
# somebody interfered. More in a single run means the shop is too busy: come back later.
MAX_LOOKS = 5


def advance_checkout(*, order_id: int) -> None:
    """Take the order as far as it can go. Run it again after any failure; must not be in a
    transaction.

    Raises `Snooze` and `Retry` when it has to wait, and the errors of the locks and the gateway.
    """
    for _ in range(MAX_LOOKS):
        order = Order.objects.select_related("payment").get(pk=order_id)
        if order.state not in states.UNPAID:
            return _tidy(order)
        if _hold_goods(order) and _take_money(order):
            _confirm(order)
    raise Retry("the order kept changing")


def _hold_goods(order: Order) -> bool:
    """Reserve every line or fail the order. True: the goods are held, whoever holds them."""
    lines = {line.product_id: line for line in order.lines.all()}
    wanted = [Wanted(product_id=pk, quantity=line.quantity) for pk, line in lines.items()]
    try:
        reservations.reserve(reference=order.reference, wanted=wanted)
    except OutOfStock as error:
        names = {pk: line.name for pk, line in lines.items()}
        endings.fail(order, reason=sold_out(names, error.shortages))
        return False
    with transaction.atomic():
        if states.reserved(order.pk):
            timeline.record(order_id=order.pk, kind="reserved", message="The goods are reserved.")
    return True


def _take_money(order: Order) -> bool:
    """Have the payment captured. False: declined, or something changed and is worth a look."""
    if order.payment.state == Payment.State.CAPTURED:
        return True
    if not states.payment_charging(order.pk):
        return False
    try:
        charge = cashier.charge(order)
    except GatewayNotDone:
        _decline(order, "The payment could not be taken.")
        return False
    if charge.state == "declined":
        _decline(order, f"The payment was declined: {charge.message or 'no reason was given.'}")
        return False
    receipts.charged(order, charge)
    return True


def _confirm(order: Order) -> None:
    """Sell the goods and confirm the order, together or not at all."""
    with transaction.atomic():
        if not states.confirmed(order.pk):
            return
        if not reservations.commit(reference=order.reference):
            # They ran out during the payment. Stay reserved; the next look holds them again.
            transaction.set_rollback(True)
            return
        timeline.record(order_id=order.pk, kind="confirmed", message="The order is confirmed.")
        jobs.enqueue_email(order.pk, "confirmation")


def _tidy(order: Order) -> None:
    """Of an order that ended: let go of goods that an overlapping run held, and leave no charge
    behind whose end is unknown. Nobody can ask about it sooner than the job that began it."""
    if order.state in states.ENDED:
        reservations.release(reference=order.reference)
        if order.payment.state == Payment.State.CHARGING:
            inquiries.settle_charge(order)


def _decline(order: Order, reason: str) -> None:
    with transaction.atomic():
        receipts.declined(order)
        endings.fail(order, reason=reason)


def sold_out(names: Mapping[int, str], left: Mapping[int, int]) -> str:
    """Why the order fails, for the customer: what is short and how much of it there is."""
    short = ", ".join(
        f"{names.get(product_id, product_id)} ({available} left)"
        for product_id, available in left.items()
    )
    return f"Sold out: {short}."
