"""Amounts of money for people. Everywhere else an amount is a whole number of minor units."""

from __future__ import annotations

SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$"}

# Currencies whose minor unit is not a hundredth. https://docs.stripe.com/currencies
DECIMALS = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "KWD": 3, "BHD": 3, "TND": 3}


def format_minor(amount_minor: int, currency: str) -> str:
    """`123456, "GBP"` as `£1,234.56`; a currency without a known symbol as `CHF 12.34`."""
    decimals = DECIMALS.get(currency, 2)
    whole, fraction = divmod(abs(amount_minor), 10**decimals)
    digits = f"{whole:,}" + (f".{fraction:0{decimals}d}" if decimals else "")
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{SYMBOLS.get(currency, currency + ' ')}{digits}"
