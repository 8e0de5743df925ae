from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from shop.samples.seeding import read_samples
from shop.storefront.pictures import HEIGHT, MOTIFS, OTHER, TINTS, WIDTH, picture_of

SHOP = Path(__file__).resolve().parents[3] / "shop"


def drawn(sku: str, name: str, options: str = "") -> str:
    template = Template(f"{{% load pictures %}}{{% picture sku name {options} %}}")
    return template.render(Context({"sku": sku, "name": name}))


@given(sku=st.text(min_size=1, max_size=40), name=st.text(max_size=200))
def test_any_product_has_a_drawing_and_always_the_same(sku: str, name: str) -> None:
    picture = picture_of(sku=sku, name=name)
    assert picture == picture_of(sku=sku, name=name)
    assert picture.motif in {*MOTIFS, OTHER}
    assert 0 <= picture.tint < TINTS
    assert all(0 <= dot.x <= WIDTH and 0 <= dot.y <= HEIGHT for dot in picture.dots)


@pytest.mark.parametrize("motif", [*MOTIFS, OTHER])
def test_each_motif_is_drawn_by_classes_that_the_style_sheet_colours(motif: str) -> None:
    drawing = (SHOP / "templates/shop/motifs" / f"{motif}.svg").read_text()
    classes = {each for found in re.findall(r'class="([^"]+)"', drawing) for each in found.split()}
    style = (SHOP / "static/shop/style.css").read_text()
    assert classes
    assert [each for each in classes if f".picture .{each}" not in style] == []


def test_each_tint_is_in_the_style_sheet_in_light_and_dark() -> None:
    style = (SHOP / "static/shop/style.css").read_text()
    assert [style.count(f".tint-{tint} {{") for tint in range(TINTS)] == [2] * TINTS


@pytest.mark.parametrize(
    ("name", "motif"),
    [
        ("Regency teapot, roses", "teapot"),
        ("Cream cupid hearts coat hanger", "hook"),  # no cup
        ("Small cup", "mug"),
        ("Thing", "gift"),
    ],
)
def test_a_word_of_the_name_chooses_what_is_drawn(name: str, motif: str) -> None:
    assert picture_of(sku="X", name=name).motif == motif


def test_a_colour_in_the_name_is_the_drawings() -> None:
    tints = {picture_of(sku=f"{n}", name="Coat rack, red").tint for n in range(20)}
    assert tints == {0}


def test_the_sample_goods_look_different() -> None:
    pictures = [picture_of(sku=sample.sku, name=sample.name) for sample in read_samples()]
    assert len(set(pictures)) == len(pictures)
    assert len({picture.motif for picture in pictures}) > 12


def test_a_drawing_that_stands_alone_says_what_it_stands_for() -> None:
    alone = drawn("X", 'A "big" <mug>', "alone=True")
    assert 'role="img"' in alone
    assert "Drawing in place of a photo of A &quot;big&quot; &lt;mug&gt;" in alone


def test_a_drawing_beside_its_name_is_silent() -> None:
    beside = drawn("X", "Mug")
    assert 'aria-hidden="true"' in beside
    assert "Mug" not in beside
