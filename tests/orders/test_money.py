from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.money import format_minor


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (0, "GBP", "£0.00"),
        (5, "GBP", "£0.05"),
        (123456, "GBP", "£1,234.56"),
        (-250, "EUR", "-€2.50"),
        (1234, "CHF", "CHF 12.34"),
        (1234, "JPY", "JPY 1,234"),
        (1234, "KWD", "KWD 1.234"),
    ],
)
def test_amounts_read_as_people_write_them(amount: int, currency: str, text: str) -> None:
    assert format_minor(amount, currency) == text


@given(amount=st.integers(0, 10**15), currency=st.sampled_from(["GBP", "JPY", "KWD"]))
def test_no_digit_is_lost(amount: int, currency: str) -> None:
    digits = "".join(char for char in format_minor(amount, currency) if char.isdigit())
    assert int(digits) == amount
