"""Money: what the provider's own books say against what the orders' payments say.

The sandbox provider is asked through its tables. Another provider's books are not open to us;
then only our own are checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.conf import settings
from django.db.models import QuerySet

from orders.models import Order, Payment
from orders.sandbox import models as sandbox
from orders.states import ENDED
from shop.closing.checks import Check, agreement
from shop.closing.references import order_number

PAID = (Payment.State.CAPTURED, Payment.State.REFUNDED)
OWED = (Payment.State.CHARGING, Payment.State.CAPTURED)


def checks(orders: QuerySet[Order]) -> list[Check]:
    payments = Payment.objects.filter(order__in=orders.order_by())
    own = [_kept(payments)]
    if settings.PAYMENT_GATEWAY != "sandbox":
        return own
    ids = set(orders.order_by().values_list("pk", flat=True))
    charges = sandbox.Charge.objects.filter(state=sandbox.Charge.State.SUCCEEDED)
    charged = _by_order(charges.values_list("key", "amount_minor"), ids)
    refunded = _by_order(sandbox.Refund.objects.values_list("key", "amount_minor"), ids)
    return [
        _counted("charges at the provider", charged, "paid orders", payments, PAID),
        _counted(
            "refunds at the provider",
            refunded,
            "orders given their money back",
            payments,
            [Payment.State.REFUNDED],
        ),
        _taken(charged, refunded, payments),
        *own,
    ]


def _counted(
    name: str,
    found: dict[int, list[int]],
    expected_name: str,
    payments: QuerySet[Payment],
    states: Iterable[Payment.State],
) -> Check:
    expected = payments.filter(state__in=states).values_list("order_id", flat=True)
    return agreement(
        name,
        {order: len(amounts) for order, amounts in found.items()},
        expected_name,
        dict.fromkeys(expected, 1),
    )


def _taken(
    charged: dict[int, list[int]], refunded: dict[int, list[int]], payments: QuerySet[Payment]
) -> Check:
    """The provider keeps exactly the total of each captured payment, and nothing of the others."""
    kept = Counter({order: sum(amounts) for order, amounts in charged.items()})
    kept.subtract({order: sum(amounts) for order, amounts in refunded.items()})
    expected = dict(
        payments.filter(state=Payment.State.CAPTURED).values_list("order_id", "amount_minor")
    )
    wrong = sum(kept[order] != expected.get(order, 0) for order in kept.keys() | expected.keys())
    return Check(
        name="minor units kept by the provider",
        found=sum(kept.values()),
        expected=sum(expected.values()),
        expected_name="paid and not given back" + (f", {wrong:,} orders differ" if wrong else ""),
        lost=wrong,
    )


def _kept(payments: QuerySet[Payment]) -> Check:
    """No order that ended without its goods keeps the customer's money."""
    kept = payments.filter(order__state__in=ENDED, state__in=OWED).count()
    return Check(
        name="failed or cancelled orders not paid back",
        found=kept,
        expected=0,
        expected_name="expected",
        lost=kept,
    )


def _by_order(rows: Iterable[tuple[str, int]], ids: set[int]) -> dict[int, list[int]]:
    """Amounts by order; a second charge under another key of the same order counts too."""
    amounts: dict[int, list[int]] = {}
    for key, amount in rows:
        order = order_number(key)
        if order is not None and order in ids:
            amounts.setdefault(order, []).append(amount)
    return amounts
