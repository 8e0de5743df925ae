"""The whole file, understood: what to stock, what to order, what to take back, what to refuse."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from shop.replay.catalogue import CatalogueItem, catalogue
from shop.replay.invoices import Invoice, invoices
from shop.replay.lines import GoodsLine, NotOrderLines, read_lines
from shop.replay.refusals import Refusal
from shop.replay.returns import Return, match_returns


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Pure function of the file's text. Every line is in exactly one of the last three."""

    digest: str
    """Names the file: its opening stock is received once, however often it is replayed."""

    line_count: int
    products: tuple[CatalogueItem, ...]
    orders: tuple[Invoice, ...]
    returns: tuple[Return, ...]
    refused: tuple[Refusal, ...]

    @property
    def steps(self) -> list[Invoice | Return]:
        """Orders and returns in order of time; at the same minute orders come first."""
        return sorted(
            chain(self.orders, self.returns),
            key=lambda step: (step.at, isinstance(step, Return)),
        )

    def limited(self, limit: int | None) -> Plan:
        """The plan's first `limit` orders and what of them came back. Same catalogue and stock."""
        if limit is None:
            return self
        orders = self.orders[:limit]
        kept = {order.number for order in orders}
        returns = tuple(each for each in self.returns if each.invoice in kept)
        return replace(self, orders=orders, returns=returns)


def make_plan(text: Iterable[str], *, digest: str = "") -> Plan:
    """Understand the lines of a CSV file. Raises `NotOrderLines` when its heading is wrong."""
    goods: list[GoodsLine] = []
    refused: list[Refusal] = []
    for value in read_lines(text):
        if isinstance(value, Refusal):
            refused.append(value)
        else:
            goods.append(value)
    sold = [line for line in goods if not line.is_credit]
    orders = invoices(sold)
    matches = match_returns(
        sales=orders, credit_notes=invoices(line for line in goods if line.is_credit)
    )
    return Plan(
        digest=digest,
        line_count=len(goods) + len(refused),
        products=tuple(catalogue(sold)),
        orders=tuple(orders),
        returns=matches.returns,
        refused=tuple(sorted([*refused, *matches.refused], key=lambda each: each.line)),
    )


def read_plan(path: Path) -> Plan:
    """Read and understand a file in UTF-8 or, as the original data set comes, Windows-1252.

    Raises `OSError` when it can't be read and `NotOrderLines` when it holds something else.
    """
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    if not text.strip():
        raise NotOrderLines("The file is empty.")
    return make_plan(io.StringIO(text, newline=""), digest=hashlib.sha256(raw).hexdigest()[:12])
