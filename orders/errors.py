"""Errors of the orders. Errors of the payment gateways are in `orders.payments.errors`."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.errors import NotDone


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


class EmailUnknown(OrderError):
    """A worker died, or the mail server went silent, in the moment an e-mail was handed over.

    Nobody can tell whether it left. It is not sent again by itself; a person may resend it.
    """


class NothingToSend(OrderError):
    """An e-mail was to be sent again, but the customer was never written to. Show the message."""


class WrongGateway(OrderError):
    """The payment belongs to another provider than the configured one.

    Set PAYMENT_GATEWAY back and retry the job.
    """


class EmailRefused(NotDone):
    """The mail server will never take this e-mail, as for an address that doesn't exist.

    The job is dead. Correct the order's address and retry the job.
    """
