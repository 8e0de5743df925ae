"""Which earlier order a credit note takes back.

A credit note names no invoice. The honest guess is the customer's newest earlier invoice that
still has the SKU in at least that quantity. The shop cancels whole orders only, so a credit note
over some of an order's goods cancels all of it; `Return.is_whole` says which did. A line without
such an invoice (bought before the file begins, or by nobody known) is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shop.replay.invoices import Invoice
from shop.replay.lines import GoodsLine
from shop.replay.refusals import Refusal


@dataclass(frozen=True, kw_only=True)
class Return:
    """A credit note's lines that take goods of one invoice back."""

    credit: str
    invoice: str
    source: str
    """The source of the invoice's order."""

    at: datetime
    lines: tuple[GoodsLine, ...]
    is_whole: bool
    """Whether, with the credit notes before it, nothing of the invoice's goods is left."""


@dataclass(frozen=True, kw_only=True)
class Matches:
    returns: tuple[Return, ...]
    refused: tuple[Refusal, ...]


class _Purchase:
    """What an invoice's customer still has of it."""

    def __init__(self, invoice: Invoice) -> None:
        self.invoice = invoice
        self.left = invoice.quantities

    def has(self, line: GoodsLine) -> bool:
        return self.left.get(line.sku, 0) >= -line.quantity

    def take_back(self, line: GoodsLine) -> None:
        self.left[line.sku] += line.quantity

    @property
    def is_empty(self) -> bool:
        return not any(self.left.values())


def match_returns(*, sales: Sequence[Invoice], credit_notes: Iterable[Invoice]) -> Matches:
    """Match every line of the credit notes with a sale, or refuse it. Both in order of time."""
    purchases: dict[str, list[_Purchase]] = {}
    for sale in sales:
        if sale.customer:
            purchases.setdefault(sale.customer, []).append(_Purchase(sale))
    returns: list[Return] = []
    refused: list[Refusal] = []
    for credit in credit_notes:
        found, lost = _match(credit, purchases.get(credit.customer, []))
        returns += found
        refused += lost
    return Matches(returns=tuple(returns), refused=tuple(refused))


def _match(credit: Invoice, purchases: list[_Purchase]) -> tuple[list[Return], list[Refusal]]:
    taken: dict[str, tuple[_Purchase, list[GoodsLine]]] = {}
    refused = []
    for line in credit.lines:
        purchase = _newest_with(line, purchases, before=credit.at)
        if purchase is None:
            refused.append(_refusal(credit, line))
            continue
        purchase.take_back(line)
        taken.setdefault(purchase.invoice.number, (purchase, []))[1].append(line)
    returns = [
        Return(
            credit=credit.number,
            invoice=number,
            source=purchase.invoice.source,
            at=credit.at,
            lines=tuple(lines),
            is_whole=purchase.is_empty,
        )
        for number, (purchase, lines) in taken.items()
    ]
    return returns, refused


def _newest_with(
    line: GoodsLine, purchases: list[_Purchase], *, before: datetime
) -> _Purchase | None:
    for purchase in reversed(purchases):
        if purchase.invoice.at <= before and purchase.has(line):
            return purchase
    return None


def _refusal(credit: Invoice, line: GoodsLine) -> Refusal:
    reason = (
        "takes goods back that no earlier order of the customer in this file has"
        if credit.customer
        else "takes goods back of a customer the file doesn't name"
    )
    return Refusal(line=line.line, reason=reason, invoice=line.invoice, sku=line.sku)
