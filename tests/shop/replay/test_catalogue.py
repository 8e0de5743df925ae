"""Names, prices and opening stock come from what was sold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shop.replay.catalogue import CatalogueItem, catalogue, opening_units
from shop.replay.lines import GoodsLine, read_lines
from tests.shop.replay.csv_text import csv_file, csv_line


def sold(*lines: str) -> list[GoodsLine]:
    return [value for value in read_lines(csv_file(*lines)) if isinstance(value, GoodsLine)]


def item(*lines: str) -> CatalogueItem:
    (found,) = catalogue(sold(*lines))
    return found


def test_given_several_prices_when_listed_then_the_usual_one_counts() -> None:
    lines = [csv_line(price=price) for price in ("2.10", "2.55", "5.79", "2.55")]
    assert item(*lines).price_minor == 255


def test_given_a_tie_of_prices_when_listed_then_the_cheaper_counts() -> None:
    assert item(csv_line(price="5.79"), csv_line(price="2.55")).price_minor == 255


def test_given_two_spellings_of_a_code_when_listed_then_it_is_one_product() -> None:
    found = item(csv_line(code="85123A", quantity=6), csv_line(code="85123a", quantity=4))
    assert (found.sku, found.units_sold) == ("85123A", 10)


def test_given_empty_descriptions_when_listed_then_another_line_names_it() -> None:
    assert item(csv_line(description=""), csv_line(description="RED MUG")).name == "Red mug"
    assert item(csv_line(description="")).name == "Item 85123A"


ITEMS = st.builds(
    CatalogueItem,
    sku=st.from_regex(r"[0-9]{5}[A-Z]?", fullmatch=True),
    name=st.just("x"),
    price_minor=st.just(1),
    units_sold=st.integers(1, 10_000),
)


@given(ITEMS)
def test_given_no_scarcity_when_stocked_then_every_order_can_be_fulfilled(
    product: CatalogueItem,
) -> None:
    assert opening_units(product, scarce_percent=0) == product.units_sold


@given(ITEMS, st.floats(0, 100))
def test_given_scarcity_when_stocked_then_there_is_something_but_never_too_much(
    product: CatalogueItem, percent: float
) -> None:
    assert 1 <= opening_units(product, scarce_percent=percent) <= product.units_sold


@given(ITEMS)
def test_given_everything_scarce_when_stocked_then_half_is_there(product: CatalogueItem) -> None:
    assert opening_units(product, scarce_percent=100) == max(1, product.units_sold // 2)
