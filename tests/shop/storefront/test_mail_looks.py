"""What customers' mail programs show: the HTML part in a real browser, as wide as a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from orders import mails
from orders.mails import Kind
from shop.samples.seeding import seed
from tests.shop.storefront import scenes
from tests.shop.storefront.axe import grave, violations
from tests.shop.storefront.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PAPER = {"light": "rgba(251, 248, 246, 1)", "dark": "rgba(25, 20, 23, 1)"}


def html_of(kind: Kind, *, name: str = "") -> str:
    seed()
    order = scenes.order("confirmed")
    if name:
        order.lines.update(name=name)
    message = mails.build(order, kind)
    ((html, mimetype),) = message.alternatives
    assert mimetype == "text/html"
    return str(html)


def open_mail(visitor: Visitor, html: str, path: Path) -> None:
    path.write_text(html)
    visitor.browser.get(path.as_uri())


@pytest.mark.parametrize("kind", Kind)
def test_each_mail_can_be_read_on_a_phone_in_light_and_dark(
    visitor: Visitor, tmp_path: Path, kind: Kind
) -> None:
    visitor.take_a_phone(width=360)
    open_mail(visitor, html_of(kind), tmp_path / "mail.html")

    for scheme in SCHEMES:
        visitor.prefer(scheme)
        paper = visitor.see("body").value_of_css_property("background-color")
        assert paper == PAPER[scheme]
        assert grave(violations(visitor)) == []
    assert visitor.width() == 360


@pytest.mark.parametrize("name", ["W" * 120, "A very long name of a product " * 6])
def test_a_long_name_does_not_make_a_mail_wider_than_the_phone(
    visitor: Visitor, tmp_path: Path, name: str
) -> None:
    visitor.take_a_phone(width=320)
    open_mail(visitor, html_of(Kind.CONFIRMATION, name=name), tmp_path / "mail.html")

    assert visitor.width() == 320


@pytest.mark.parametrize("kind", Kind)
def test_a_mail_program_that_drops_the_style_element_shows_the_same_in_light(
    visitor: Visitor, tmp_path: Path, kind: Kind
) -> None:
    html = html_of(kind)
    head, _, rest = html.partition("<style>")
    visitor.prefer("dark")
    open_mail(visitor, head + rest.partition("</style>")[2], tmp_path / "mail.html")

    assert visitor.see("body").value_of_css_property("background-color") == PAPER["light"]
    assert grave(violations(visitor)) == []


@pytest.mark.parametrize("kind", Kind)
def test_no_mail_loads_anything(kind: Kind) -> None:
    html = html_of(kind)
    for word in ("<img", "<link", "<script", "src=", "url(", "@import", "@font-face"):
        assert word not in html
