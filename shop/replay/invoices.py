"""Lines gathered into invoices (what was bought together) and credit notes (what came back)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shop.replay.lines import GoodsLine


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """The lines of one invoice number: a sale or, with a leading C, a credit note."""

    number: str
    customer: str
    """Empty when the file doesn't know who bought."""

    at: datetime
    lines: tuple[GoodsLine, ...]

    @property
    def source(self) -> str:
        """The name of the order that this invoice becomes: one order, however often replayed."""
        return f"replay:{self.number}"

    @property
    def quantities(self) -> dict[str, int]:
        """Units by SKU (> 0 on sales and credit notes alike); a SKU's lines are added up."""
        units: dict[str, int] = {}
        for line in self.lines:
            units[line.sku] = units.get(line.sku, 0) + abs(line.quantity)
        return units


def invoices(lines: Iterable[GoodsLine]) -> list[Invoice]:
    """The invoices in order of time (the earliest of their lines), then of the file."""
    by_number: dict[str, list[GoodsLine]] = {}
    for line in lines:
        by_number.setdefault(line.invoice, []).append(line)
    found = [_invoice(number, members) for number, members in by_number.items()]
    return sorted(found, key=lambda invoice: (invoice.at, invoice.lines[0].line))


def _invoice(number: str, lines: list[GoodsLine]) -> Invoice:
    return Invoice(
        number=number,
        customer=next((line.customer for line in lines if line.customer), ""),
        at=min(line.at for line in lines),
        lines=tuple(lines),
    )
