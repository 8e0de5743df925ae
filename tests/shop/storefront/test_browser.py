"""The storefront in a real browser, with its script and its style."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from inventory import reservations
from inventory.reservations import Wanted
from orders import states, timeline
from orders.models import Order
from orders.placing import LineRequest, place_order
from tasks.models import Job, JobState
from tests.shop.goods import product
from tests.shop.storefront.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_given_a_guest_when_buying_then_mistakes_are_explained_and_the_order_page_opens(
    visitor: Visitor,
) -> None:
    product("MUG-1", name="Blue mug", price_minor=450, units=20)

    visitor.open("/")
    visitor.see(".card h2 a", "Blue mug").click()
    visitor.arrive("/products/MUG-1/")
    quantity = visitor.see("#id_quantity")
    quantity.clear()
    quantity.send_keys("0", Keys.ENTER)
    visitor.see("#id_quantity_error", "Enter a whole number from 1")
    focused = visitor.browser.switch_to.active_element
    assert focused.get_attribute("id") == "id_quantity"
    focused.clear()
    focused.send_keys("2", Keys.ENTER)
    visitor.arrive("/cart/")
    assert visitor.see(".cart-link .count").text.startswith("2")
    visitor.see("a.button.primary", "Check out").click()
    visitor.arrive("/checkout/")
    visitor.see(".sandbox", "Sandbox.")
    visitor.see("button", "Place the order").click()
    visitor.see(".error", "Enter your e-mail address.")
    visitor.see("#id_email").send_keys("ann@example.com")
    visitor.see("input[value=pm_ok]").click()
    visitor.see("button", "Place the order – £9.00").click()
    visitor.arrive("/orders/")

    visitor.see("[data-headline]", "Received")
    assert Order.objects.get().total_minor == 900
    assert visitor.severe_logs() == []


def test_given_an_open_order_page_when_jobs_record_events_then_it_follows_until_the_end(
    visitor: Visitor,
) -> None:
    product("MUG-1")
    order = place_order(
        email="ann@example.com", lines=[LineRequest("MUG-1", 1)], payment_method="pm_ok"
    )
    visitor.open(f"/orders/{order.code}/")
    visitor.see(".timeline li", "We received your order.")

    states.reserved(order.pk)
    timeline.record(order_id=order.pk, kind="charged", message="All <b>was</b> paid.")
    visitor.see(".timeline li", "All <b>was</b> paid.")
    visitor.see("[data-headline]", "Goods set aside")
    visitor.see(".steps [aria-current]", "Set aside")

    states.confirmed(order.pk)
    timeline.record(order_id=order.pk, kind="email_sent", message="Confirmation sent.")
    Job.objects.update(state=JobState.SUCCEEDED)
    visitor.see(".timeline li", "Confirmation sent.")
    visitor.see("[data-headline]", "Confirmed")
    visitor.see(".order[data-final='true']")
    visitor.see(".steps [aria-current]", "Confirmed")
    assert visitor.heard() == "Confirmation sent."
    assert "Confirmed" in visitor.browser.title
    assert len(visitor.browser.find_elements(By.CSS_SELECTOR, ".timeline li")) == 3
    assert visitor.severe_logs() == []


def test_given_a_declined_order_then_its_goods_can_be_bought_with_another_card(
    visitor: Visitor,
) -> None:
    product("MUG-1", name="Blue mug")
    order = place_order(
        email="ann@example.com", lines=[LineRequest("MUG-1", 2)], payment_method="pm_decline"
    )
    visitor.open(f"/orders/{order.code}/")

    states.failed(order.pk, reason="The card was declined.")

    visitor.see("[data-detail]", "The card was declined.")
    visitor.see("button", "Put these items back").click()
    visitor.arrive("/cart/")
    visitor.see(".line", "Blue mug")


def test_given_a_keyboard_only_then_the_first_stop_skips_to_the_content(visitor: Visitor) -> None:
    visitor.open("/")

    visitor.browser.switch_to.active_element.send_keys(Keys.TAB)

    link = visitor.browser.switch_to.active_element
    assert link.text == "Skip to the content"
    link.send_keys(Keys.ENTER)
    assert visitor.browser.switch_to.active_element.get_attribute("id") == "main"


@pytest.mark.parametrize("path", ["/", "/products/MUG-1/", "/cart/", "/accounts/register/"])
def test_given_a_phone_then_nothing_sticks_out(visitor: Visitor, path: str) -> None:
    product("MUG-1", name="W" * 120)
    visitor.take_a_phone(width=360)

    visitor.open(path)

    assert visitor.width() == 360


def put_into_cart(visitor: Visitor, sku: str) -> None:
    visitor.open(f"/products/{sku}/")
    visitor.see("button.primary", "Add to cart").click()
    visitor.arrive("/cart/")


def test_given_the_cart_when_a_quantity_is_typed_then_it_adds_up_without_a_new_page(
    visitor: Visitor,
) -> None:
    product("MUG-1", name="Blue mug", price_minor=450, units=20)
    put_into_cart(visitor, "MUG-1")
    visitor.mark_page()

    visitor.type_over("#id_0_quantity", "3")

    visitor.see("[data-total]", "£13.50")
    visitor.see(".cart-link .count", "3")
    assert visitor.heard() == "Blue mug: 3 in your cart. Total £13.50."
    assert visitor.focus() == "id_0_quantity"

    ActionChains(visitor.browser).send_keys("0").perform()  # one goes on typing: 30
    visitor.see(".quantity-form .error", "Only 20 left.")
    assert visitor.heard() == "Only 20 left. Total £13.50."
    visitor.type_over("#id_0_quantity", Keys.BACKSPACE)
    ActionChains(visitor.browser).send_keys(Keys.TAB).perform()  # leaves it empty
    visitor.see(".quantity-form .error", "Enter a whole number")
    visitor.see("button", "Remove").click()
    visitor.see("main", "Your cart is empty.")
    assert visitor.heard() == "Blue mug is not in your cart any more."
    assert visitor.is_marked_page()
    assert visitor.severe_logs() == []


def test_given_two_quantities_typed_in_a_row_then_both_count(visitor: Visitor) -> None:
    for sku in ("MUG-1", "MUG-2"):
        product(sku, price_minor=100)
        put_into_cart(visitor, sku)

    visitor.type_over("#id_0_quantity", "4")
    visitor.type_over("#id_1_quantity", "5")

    visitor.see("[data-total]", "£9.00")


def test_given_a_form_sent_twice_at_once_then_the_button_waits_and_it_leaves_once(
    visitor: Visitor,
) -> None:
    product("MUG-1", name="Blue mug", price_minor=450)
    put_into_cart(visitor, "MUG-1")
    visitor.open("/checkout/")
    visitor.see("#id_email").send_keys("ann@example.com")
    visitor.see("input[value=pm_ok]").click()
    visitor.watch_submits()

    visitor.browser.execute_script(
        "const form = document.querySelector('.pay'); form.requestSubmit(); form.requestSubmit();"
    )

    visitor.arrive("/orders/")
    assert visitor.submits() == [[True, "Placing…", "true"], [False, "Placing…", "true"]]
    assert Order.objects.count() == 1


def test_given_goods_that_sold_out_meanwhile_then_the_checkout_names_them_and_orders_nothing(
    visitor: Visitor,
) -> None:
    mug = product("MUG-1", name="Blue mug", units=1)
    put_into_cart(visitor, "MUG-1")
    visitor.open("/checkout/")
    visitor.see("#id_email").send_keys("ann@example.com")
    visitor.see("input[value=pm_ok]").click()
    reservations.reserve(reference="order:other", wanted=[Wanted(product_id=mug.pk, quantity=1)])

    visitor.see("button", "Place the order").click()

    visitor.see("[data-problems]", "Blue mug: Sold out.")
    assert not Order.objects.exists()
    visitor.open("/products/MUG-1/")
    visitor.see(".stock", "Sold out")
    assert not visitor.browser.find_elements(By.CSS_SELECTOR, "main button")


def test_given_a_browser_without_scripts_when_buying_then_every_step_works(
    visitor: Visitor,
) -> None:
    product("MUG-1", name="Blue mug", price_minor=450)
    visitor.switch_scripts_off()

    visitor.open("/?q=mug")
    visitor.see(".card button", "Add to cart").click()
    visitor.arrive("/cart/")
    visitor.type_over("#id_0_quantity", "3")
    visitor.see("button", "Update").click()
    visitor.see(".messages", "Blue mug: 3 in your cart.")
    visitor.see("[data-total]", "£13.50")
    visitor.see("a.button.primary", "Check out").click()
    visitor.see("button", "Place the order").click()
    visitor.see("[data-problems]", "Choose a card.")
    visitor.see("#id_email").send_keys("ann@example.com")
    visitor.see("input[value=pm_ok]").click()
    visitor.see("button", "Place the order").click()
    visitor.arrive("/orders/")
    visitor.see("[data-headline]", "Received")

    order = Order.objects.get()
    states.reserved(order.pk)
    states.confirmed(order.pk)
    Job.objects.update(state=JobState.SUCCEEDED)
    visitor.see("[data-headline]", "Confirmed")  # the page loads itself again
    visitor.see(".order[data-final='true']")
