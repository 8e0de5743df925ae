from __future__ import annotations

import pytest
from django.test import Client

from orders import states, timeline
from orders.models import Order
from orders.placing import LineRequest, place_order
from shop.storefront.cart import SESSION_KEY
from tasks.models import Job, JobState
from tests.shop.goods import product

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    product("MUG-1", name="Blue mug", price_minor=450)
    return place_order(
        email="ann@example.com", lines=[LineRequest("MUG-1", 2)], payment_method="pm_ok"
    )


def finish_jobs() -> None:
    Job.objects.update(state=JobState.SUCCEEDED)


def test_given_an_order_then_its_page_shows_what_was_bought_and_what_happened(
    client: Client, order: Order
) -> None:
    page = client.get(f"/orders/{order.code}/").content.decode()

    assert "2 × Blue mug" in page and "£9.00" in page
    assert "We received your order." in page
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page


def test_given_the_timeline_then_it_tells_states_and_events(client: Client, order: Order) -> None:
    states.reserved(order.pk)
    timeline.record(order_id=order.pk, kind="reserved", message="Goods set aside.", actor="bob")

    answer = client.get(f"/orders/{order.code}/timeline")

    told = answer.json()
    assert (told["state"], told["headline"], told["final"]) == (
        "reserved",
        "Goods set aside",
        False,
    )
    assert [event["kind"] for event in told["events"]] == ["placed", "reserved"]
    assert "bob" not in answer.content.decode()  # who did it is the shop's business
    assert "no-store" in answer["Cache-Control"]


def test_given_what_the_shops_people_note_then_customers_do_not_read_it(
    client: Client, order: Order
) -> None:
    note = "Looks like fraud to me"
    timeline.record(order_id=order.pk, kind="comment", message=note, actor="bob")
    timeline.record(order_id=order.pk, kind="refund_asked", message=f"Asked for: {note}")
    timeline.record(order_id=order.pk, kind="cancelled", message=f"Cancelled: {note}")

    page = client.get(f"/orders/{order.code}/").content.decode()
    told = client.get(f"/orders/{order.code}/timeline").content.decode()

    for text in (page, told):
        assert note not in text
        assert "Your order was cancelled." in text
        assert "We are sending your money back." in text


def test_given_the_states_of_an_order_then_its_steps_follow(client: Client, order: Order) -> None:
    def step() -> int:
        return int(client.get(f"/orders/{order.code}/timeline").json()["step"])

    steps = [step()]
    for move in (states.reserved, states.confirmed, states.cancelled_paid):
        move(order.pk)
        steps.append(step())

    assert steps == [1, 2, 3, 0]


def test_given_a_confirmed_order_whose_mail_is_under_way_then_it_is_not_final(
    client: Client, order: Order
) -> None:
    states.reserved(order.pk)
    states.confirmed(order.pk)

    before = client.get(f"/orders/{order.code}/timeline").json()
    finish_jobs()
    after = client.get(f"/orders/{order.code}/timeline").json()

    assert (before["state"], before["final"]) == ("confirmed", False)
    assert (after["state"], after["final"]) == ("confirmed", True)


def test_given_a_final_order_then_its_page_asks_no_more(client: Client, order: Order) -> None:
    states.failed(order.pk, reason="The card was declined.")
    finish_jobs()

    page = client.get(f"/orders/{order.code}/").content.decode()

    assert "The card was declined." in page
    assert 'data-final="true"' in page
    assert "refresh" not in page


def test_given_a_failed_order_then_its_goods_go_back_into_the_cart(
    client: Client, order: Order
) -> None:
    states.failed(order.pk, reason="The card was declined.")

    answer = client.post(f"/orders/{order.code}/again/")

    assert answer["Location"] == "/cart/"
    assert client.session[SESSION_KEY] == {"MUG-1": 2}


def test_given_an_order_that_did_not_fail_then_it_is_not_ordered_again(
    client: Client, order: Order
) -> None:
    assert client.post(f"/orders/{order.code}/again/").status_code == 404
    assert client.get(f"/orders/{order.code}/again/").status_code == 405


@pytest.mark.parametrize("code", ["nope", "1", "a" * 32, "a%00", "x" * 200])
def test_given_a_guessed_code_then_nothing_is_found(
    client: Client, order: Order, code: str
) -> None:
    assert client.get(f"/orders/{code}/").status_code == 404
    assert client.get(f"/orders/{code}/timeline").status_code == 404


def test_given_an_order_then_its_number_is_no_way_in(client: Client, order: Order) -> None:
    assert client.get(f"/orders/{order.pk}/").status_code == 404
