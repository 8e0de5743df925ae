"""Every page of the storefront, for everybody: axe-core, keyboard, phone, light and dark."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from orders.models import Order
from tests.shop.goods import product
from tests.shop.storefront import scenes
from tests.shop.storefront.axe import violations
from tests.shop.storefront.scenes import SCENES
from tests.shop.storefront.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ENOUGH_TABS = 60


@pytest.mark.parametrize("scene", SCENES)
def test_given_any_page_then_axe_finds_nothing_wrong_and_nothing_sticks_out_of_a_phone(
    visitor: Visitor, scene: str
) -> None:
    visitor.prefer("light")
    scenes.show(visitor, scene)

    assert violations(visitor) == []
    visitor.take_a_phone(width=360)
    visitor.prefer("dark")
    assert violations(visitor) == []
    assert visitor.width() == 360


def test_given_a_page_with_faults_then_axe_finds_them(visitor: Visitor) -> None:
    """Or the test above could not fail."""
    visitor.open("/")
    visitor.browser.execute_script(
        """
        document.querySelector("main").insertAdjacentHTML("beforeend", "<p>Pale</p><input>");
        document.querySelector("main p:last-of-type").style.color = "#cccccc";
        """
    )

    found = " ".join(violations(visitor))

    assert "serious: color-contrast" in found
    assert "critical: label" in found


def tab_to(visitor: Visitor, text: str) -> None:
    """Press Tab until the focus is on what says this, and make sure that it shows."""
    for _ in range(ENOUGH_TABS):
        visitor.browser.switch_to.active_element.send_keys(Keys.TAB)
        focused = visitor.browser.switch_to.active_element
        name = focused.accessible_name  # what a screen reader says
        if text in name:
            assert focused.value_of_css_property("outline-style") == "solid"
            return
    raise AssertionError(f"Tab never comes to {text!r}")


def press(visitor: Visitor, *keys: str) -> None:
    visitor.browser.switch_to.active_element.send_keys(*keys)


def test_given_a_keyboard_only_when_buying_then_every_step_can_be_reached_and_seen(
    visitor: Visitor,
) -> None:
    product("MUG-1", name="Blue mug", price_minor=450)

    visitor.open("/")
    tab_to(visitor, "Search the catalogue")
    press(visitor, "mug", Keys.ENTER)
    visitor.arrive("?q=mug")
    tab_to(visitor, "Add to cart")
    press(visitor, Keys.ENTER)
    visitor.arrive("/cart/")
    tab_to(visitor, "Check out")
    press(visitor, Keys.ENTER)
    visitor.arrive("/checkout/")
    tab_to(visitor, "Place the order")
    press(visitor, Keys.ENTER)
    visitor.see("[data-problems]", "Choose a card.")
    assert "Nothing has been ordered yet" in visitor.browser.switch_to.active_element.text
    tab_to(visitor, "E-mail address: Enter your e-mail address.")
    press(visitor, Keys.ENTER)
    assert visitor.browser.switch_to.active_element.get_attribute("id") == "id_email"
    press(visitor, "ann@example.com")
    tab_to(visitor, "A card that works")
    press(visitor, Keys.SPACE)
    tab_to(visitor, "Place the order")
    press(visitor, Keys.ENTER)
    visitor.arrive("/orders/")

    assert Order.objects.get().total_minor == 450
