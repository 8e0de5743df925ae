"""Errors of the orders. Errors of the payment gateways are in `orders.payments.errors`."""

from __future__ import annotations

from collections.abc import Mapping


class OrderError(Exception):
    """Base of the orders' errors."""


class OrderRefused(OrderError):
    """What was asked for can't be ordered. Nothing was written; show the messages and ask again.

    `errors` maps what is wrong to a sentence for people. Its keys are a SKU for a single line,
    and `email`, `payment_method`, `source` or `lines` (the order as a whole).
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__(" ".join(f"{key}: {text}" for key, text in self.errors.items()))


class NothingToRefund(OrderError):
    """A refund was asked for an order that is not paid, or was given its money back already.

    Show the message. An unpaid order can be cancelled instead.
    """


class NothingToSend(OrderError):
    """An e-mail was to be sent again, but the customer was never written to. Show the message."""


class WrongGateway(OrderError):
    """The payment belongs to another provider than the configured one.

    Set PAYMENT_GATEWAY back and retry the job.
    """
