"""The shop's pages with something on them, for whoever looks at all of them."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User

from orders import states, timeline
from orders.models import Order
from orders.placing import LineRequest, place_order
from shop.samples.seeding import seed
from tasks.models import Job, JobState
from tests.shop.storefront.visitor import Visitor

PASSWORD = "correct-Horse-9"


def order(state: str = "confirmed", user: User | None = None) -> Order:
    """An order of sample goods that came as far as `state`: placed, failed or confirmed."""
    placed = place_order(
        email="ann@example.com",
        lines=[LineRequest("GIFT-044", 1), LineRequest("GIFT-043", 2), LineRequest("GIFT-045", 1)],
        payment_method="pm_ok",
        user=user,
    )
    if state == "failed":
        states.failed(placed.pk, reason="The payment was declined: insufficient funds.")
        timeline.record(order_id=placed.pk, kind="failed", message="The payment was declined.")
    if state == "confirmed":
        states.reserved(placed.pk)
        timeline.record(order_id=placed.pk, kind="reserved", message="-")
        timeline.record(order_id=placed.pk, kind="charged", message="£20.80 was paid.")
        states.confirmed(placed.pk)
        timeline.record(order_id=placed.pk, kind="confirmed", message="-")
        message = "The confirmation e-mail was sent."
        timeline.record(order_id=placed.pk, kind="email_sent", message=message)
    if state != "placed":
        Job.objects.update(state=JobState.SUCCEEDED)
    placed.refresh_from_db()
    return placed


def fill_cart(visitor: Visitor) -> None:
    for sku in ("GIFT-044", "GIFT-042"):
        visitor.open(f"/products/{sku}/")
        visitor.see("button.primary", "Add to cart").click()
        visitor.arrive("/cart/")


def cart(visitor: Visitor) -> None:
    fill_cart(visitor)
    visitor.see("#id_0_quantity").clear()
    visitor.see("#id_0_quantity").send_keys("6\n")
    visitor.see(".quantity-form .error", "Only 5 left.")


def checkout(visitor: Visitor) -> None:
    fill_cart(visitor)
    visitor.open("/checkout/")
    visitor.see("#id_email").send_keys("ann@example")
    visitor.see("button", "Place the order").click()
    visitor.see("[data-problems]", "Choose a card.")


def sign_in(visitor: Visitor) -> User:
    ann = User.objects.create_user("ann", "ann@example.com", PASSWORD)
    visitor.open("/accounts/login/")
    visitor.see("#id_username").send_keys("ann")
    visitor.see("#id_password").send_keys(PASSWORD)
    visitor.see("button.primary", "Sign in").click()
    visitor.see(".who", "ann")
    return ann


def account(visitor: Visitor) -> None:
    ann = sign_in(visitor)
    for state in ("confirmed", "failed", "placed"):
        order(state, user=ann)
    visitor.open("/accounts/orders/")


def refused_sign_in(visitor: Visitor) -> None:
    visitor.open("/accounts/login/")
    visitor.see("button.primary", "Sign in").click()
    visitor.see("[data-problems]")


def at(path: str) -> Callable[[Visitor], None]:
    return lambda visitor: visitor.open(path)


def order_page(state: str) -> Callable[[Visitor], None]:
    return lambda visitor: visitor.open(f"/orders/{order(state).code}/")


SCENES: dict[str, Callable[[Visitor], None]] = {
    "catalogue": at("/"),
    "category": at("/?category=bags-lunch"),
    "search": at("/?q=teapto"),
    "nothing found": at("/?q=dishwasher"),
    "product": at("/products/GIFT-044/"),
    "sold out": at("/products/GIFT-027/"),
    "empty cart": at("/cart/"),
    "cart with a refused quantity": cart,
    "checkout with errors": checkout,
    "order received": order_page("placed"),
    "order confirmed": order_page("confirmed"),
    "order not completed": order_page("failed"),
    "account": account,
    "sign in, refused": refused_sign_in,
    "register": at("/accounts/register/"),
    "not found": at("/nowhere/"),
}
"""How a visitor comes to see each kind of page, by its name. Needs the sample goods."""


def show(visitor: Visitor, scene: str) -> None:
    seed()
    SCENES[scene](visitor)
