"""Lines of the file, as tests write them."""

from __future__ import annotations

from shop.replay.lines import COLUMNS

HEADING = ",".join(COLUMNS) + "\n"


def csv_line(
    *,
    invoice: str = "536365",
    code: str = "85123A",
    description: str = "WHITE HANGING HEART",
    quantity: object = 6,
    at: str = "01/12/2010 08:26",
    price: str = "2.55",
    customer: str = "17850",
) -> str:
    """One line with defaults that are a plain sale."""
    return f"{invoice},{code},{description},{quantity},{at},{price},{customer},United Kingdom\n"


def csv_file(*lines: str) -> list[str]:
    return [HEADING, *lines]
