"""Finding out what became of a charge whose order has ended, and writing it down."""

from __future__ import annotations

from django.utils import timezone

from orders import cashier, receipts
from orders.models import Order


def settle_charge(order: Order) -> None:
    """Bring a payment that is charging to where the provider has it: captured, refused or void.

    Charges nothing. Must not be in a transaction. Raises `Snooze` while nobody can know yet, and
    the gateway's errors.
    """
    asked_before = timezone.now() - cashier.settle_age()
    charge = cashier.find_out(order)
    if charge is None:
        receipts.never_taken(order, last_asked_before=asked_before)
    elif charge.state == "declined":
        receipts.declined(order)
    else:
        receipts.charged(order, charge)
