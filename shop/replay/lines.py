"""Reading the file: each line becomes goods sold, goods taken back, or a refusal. Never a crash."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from shop.replay.codes import as_sku, why_not_goods
from shop.replay.refusals import Refusal

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
DATE_FORMATS = ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S")
# Python's own int() and Decimal() also take 1_000, NaN and the digits of every script.
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,12}")
AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{0,6})?")
INVOICE_NUMBER = re.compile(r"C?[0-9]{1,12}")
CUSTOMER_NUMBER = re.compile(r"[0-9A-Za-z]{0,20}")

MAX_QUANTITY = 1_000_000
"""Units in one line. The largest real one is 80,995; more is a slip of the keyboard."""

MAX_PRICE_MINOR = 100_000_000
"""A million pounds a unit."""


class NotOrderLines(ValueError):
    """The file as a whole can't be read as order lines; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class GoodsLine:
    """Goods sold (`quantity` > 0) or, on a credit note, taken back (`quantity` < 0)."""

    line: int
    invoice: str
    sku: str
    description: str
    quantity: int
    at: datetime
    price_minor: int
    customer: str

    @property
    def is_credit(self) -> bool:
        return self.invoice.startswith("C")


class _Refused(Exception):
    """Why the line at hand is refused."""


def read_lines(text: Iterable[str]) -> Iterator[GoodsLine | Refusal]:
    """Yield one value for each line after the heading; blank lines are skipped.

    A record never spans lines in this format, so a stray quote costs one line, not the rest of
    the file. Raises `NotOrderLines` when the heading isn't the expected one.
    """
    lines = iter(text)
    _check_heading(next(lines, ""))
    for number, line in enumerate(lines, start=2):
        try:
            fields = _fields(line)
        except csv.Error as error:
            yield Refusal(line=number, reason=f"not readable as CSV: {error}")
            continue
        if any(fields):
            yield _read_record(number, fields)


def _fields(line: str) -> list[str]:
    return [field.strip() for field in next(csv.reader([line], strict=True), [])]


def _check_heading(line: str) -> None:
    try:
        heading = tuple(_fields(line.lstrip("\ufeff")))
    except csv.Error:
        heading = ()
    if heading != COLUMNS:
        raise NotOrderLines(
            f"The file's first line must name the columns {','.join(COLUMNS)}, "
            f"not {line.strip()[:200]!r}."
        )


def _read_record(line: int, fields: list[str]) -> GoodsLine | Refusal:
    try:
        return _goods_line(line, fields)
    except _Refused as refused:
        invoice, sku = [*fields, "", ""][:2]
        return Refusal(line=line, reason=str(refused), invoice=invoice[:20], sku=sku[:40])


def _goods_line(line: int, fields: list[str]) -> GoodsLine:
    if len(fields) != len(COLUMNS):
        raise _Refused(f"{len(fields)} columns instead of {len(COLUMNS)}")
    if any("\0" in field for field in fields):
        raise _Refused("a NUL character")
    invoice, code, description, quantity_text, date_text, price_text, customer, _ = fields
    invoice = _invoice(invoice)
    quantity = _quantity(quantity_text)
    price_minor = _price_minor(price_text)
    _refuse_what_is_no_sale(invoice=invoice, quantity=quantity, price_minor=price_minor)
    sku = as_sku(code)
    if reason := why_not_goods(sku):
        raise _Refused(reason)
    return GoodsLine(
        line=line,
        invoice=invoice,
        sku=sku,
        description=" ".join(description.split()),
        quantity=quantity,
        at=_date(date_text),
        price_minor=price_minor,
        customer=_customer(customer),
    )


def _refuse_what_is_no_sale(*, invoice: str, quantity: int, price_minor: int) -> None:
    is_credit = invoice.startswith("C")
    if quantity < 0 and not is_credit:
        raise _Refused("a stock write-off (negative quantity on an invoice), not an order")
    if quantity > 0 and is_credit:
        raise _Refused("a cancellation must have a negative quantity")
    if price_minor == 0:
        raise _Refused("price 0.00: a gift or a stock correction, not a sale")


def _invoice(text: str) -> str:
    number = text.upper()
    if not INVOICE_NUMBER.fullmatch(number):
        raise _Refused("not an invoice number")
    return number


def _quantity(text: str) -> int:
    quantity = int(text) if WHOLE_NUMBER.fullmatch(text) else 0
    if quantity == 0:
        raise _Refused("quantity is not a whole number other than 0")
    if abs(quantity) > MAX_QUANTITY:
        raise _Refused(f"quantity above {MAX_QUANTITY:,}")
    return quantity


def _price_minor(text: str) -> int:
    if not AMOUNT.fullmatch(text):
        raise _Refused("price is not a number")
    price = Decimal(text)
    if price < 0:
        raise _Refused("price below 0")
    if price * 100 > MAX_PRICE_MINOR:
        raise _Refused(f"price above {MAX_PRICE_MINOR // 100:,}")
    if price * 100 != int(price * 100):
        raise _Refused("price is not whole pence")
    return int(price * 100)


def _date(text: str) -> datetime:
    """The file's clock has no time zone; UTC is as good as any, only differences count."""
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise _Refused("date is not DD/MM/YYYY HH:MM")


def _customer(text: str) -> str:
    if not CUSTOMER_NUMBER.fullmatch(text):
        raise _Refused("customer number is not letters and digits")
    return text
