"""The README's pictures: `SCREENSHOTS_DIR=docs/images ./run test -m screenshots` draws them anew.

Without the variable they go to a folder of the test's own, and only their size is looked at.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orders.mails import Kind
from tests.shop.storefront import scenes
from tests.shop.storefront.test_mail_looks import html_of, open_mail
from tests.shop.storefront.visitor import Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.screenshots,
    pytest.mark.django_db(transaction=True, reset_sequences=True),
]

MOST_BYTES = 150_000
"""A README's reader may be on a train."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    chosen = Path(os.environ.get("SCREENSHOTS_DIR", tmp_path))
    chosen.mkdir(parents=True, exist_ok=True)
    return chosen


def keep(visitor: Visitor, path: Path, *, whole_page: bool = True) -> None:
    picture = visitor.take_picture(whole_page=whole_page)
    path.write_bytes(picture)
    assert picture.startswith(b"\x89PNG")
    assert 10_000 < len(picture) < MOST_BYTES


def test_catalogue_on_a_desktop_in_light(visitor: Visitor, folder: Path) -> None:
    visitor.prefer("light")
    scenes.show(visitor, "catalogue")
    keep(visitor, folder / "catalogue.png", whole_page=False)


def test_product_on_a_phone_in_the_dark(visitor: Visitor, folder: Path) -> None:
    visitor.prefer("dark")
    visitor.take_a_phone(width=390, height=844)
    scenes.show(visitor, "product")
    keep(visitor, folder / "product-phone-dark.png")


def test_checkout_with_errors(visitor: Visitor, folder: Path) -> None:
    visitor.prefer("light")
    scenes.show(visitor, "checkout with errors")
    keep(visitor, folder / "checkout-errors.png")


def test_order_confirmed(visitor: Visitor, folder: Path) -> None:
    visitor.prefer("light")
    scenes.show(visitor, "order confirmed")
    keep(visitor, folder / "order-confirmed.png")


def test_mail_on_a_phone(visitor: Visitor, folder: Path, tmp_path: Path) -> None:
    visitor.prefer("light")
    visitor.take_a_phone(width=390, height=700)
    open_mail(visitor, html_of(Kind.CONFIRMATION), tmp_path / "mail.html")
    keep(visitor, folder / "mail-confirmation.png")
