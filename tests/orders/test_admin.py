from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from orders.checkout import advance_checkout
from orders.models import Order, OrderEvent
from tasks.models import AuditEntry
from tests.orders import makers
from tests.orders.provider import ScriptedProvider

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "admin:orders_order_changelist"


@pytest.fixture
def clerk(client: Client) -> User:
    """Logged in; may look at orders and put addresses right, nothing else."""
    user = User.objects.create_user("clerk", is_staff=True)
    allow(user, "view_order", "change_order")
    client.force_login(user)
    return user


def allow(user: User, *codenames: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))


def audited() -> list[tuple[str, str, str, str]]:
    entries = AuditEntry.objects.order_by("pk")
    return list(entries.values_list("actor", "action", "subject", "reason"))


def act(client: Client, action: str, *orders: Order, reason: str = "") -> str:
    data = {
        "action": action,
        "_selected_action": [str(order.pk) for order in orders],
        "reason": reason,
    }
    return client.post(reverse(LIST), data, follow=True).content.decode()


def test_the_list_shows_finds_and_filters(client: Client, clerk: User) -> None:
    mug = makers.product(price_minor=123_456)
    order = makers.order(mug, quantity=1)
    makers.order(email="bob@shop.example")
    page = client.get(reverse(LIST)).content.decode()
    assert "£1,234.56" in page
    for query in (f"?q={order.pk}", f"?q={mug.sku}", f"?q={order.code}"):
        found = client.get(reverse(LIST) + query).content.decode()
        assert "ann@shop.example" in found
    assert "bob@" not in client.get(reverse(LIST) + "?q=ann").content.decode()
    assert client.get(reverse(LIST) + "?state__exact=failed").status_code == 200


def test_only_the_address_can_be_changed(client: Client, clerk: User) -> None:
    order = makers.order()
    address = reverse("admin:orders_order_change", args=[order.pk])
    page = client.get(address).content.decode()
    assert "The order was placed." in page
    data = {"email": "anna@shop.example", "state": "confirmed", "total_minor": "1"}
    formsets = {
        f"{name}-{field}": "0"
        for name in ("lines", "payment", "events")
        for field in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
    assert client.post(address, data | formsets).status_code == 302
    now = makers.fresh(order)
    assert (now.email, now.state, now.total_minor) == (
        "anna@shop.example",
        "placed",
        order.total_minor,
    )
    assert audited() == [(f"user:{clerk.pk}", "order.change_email", order.reference, "")]


def test_orders_are_neither_added_nor_deleted(client: Client, clerk: User) -> None:
    allow(clerk, "add_order", "delete_order")
    order = makers.order()
    assert client.get(reverse("admin:orders_order_add")).status_code == 403
    delete = reverse("admin:orders_order_delete", args=[order.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403


def test_cancel_with_the_permission(client: Client, clerk: User) -> None:
    allow(clerk, "cancel_order")
    order, ended = makers.order(), makers.order()
    Order.objects.filter(pk=ended.pk).update(state=Order.State.FAILED)
    page = act(client, "cancel_orders", order, ended, reason="sold twice")
    assert "1 orders cancelled." in page
    assert f"Order {ended.pk} had ended already." in page
    assert makers.fresh(order).state == Order.State.CANCELLED
    event = OrderEvent.objects.get(order=order, kind="cancelled")
    assert (event.actor, event.message) == ("clerk", "The order was cancelled: sold twice")
    assert audited() == [(f"user:{clerk.pk}", "order.cancel", order.reference, "sold twice")]


def test_refund_with_the_permission(
    client: Client, clerk: User, provider: ScriptedProvider
) -> None:
    allow(clerk, "refund_order")
    paid, unpaid = makers.order(), makers.order()
    advance_checkout(order_id=paid.pk)
    page = act(client, "refund_orders", paid, unpaid)
    assert "Cancel it instead" in page
    assert len(makers.jobs_of(paid, "orders.refund")) == 1
    assert makers.jobs_of(unpaid, "orders.refund") == []
    assert audited() == [(f"user:{clerk.pk}", "order.refund", paid.reference, "")]


def test_resend_with_the_permission(
    client: Client, clerk: User, provider: ScriptedProvider
) -> None:
    allow(clerk, "resend_email")
    paid, unpaid = makers.order(), makers.order()
    advance_checkout(order_id=paid.pk)
    page = act(client, "resend_emails", paid, unpaid)
    assert "there is no e-mail about that" in page
    assert [job.kwargs["again"] for job in makers.jobs_of(paid, "orders.send_email")] == [
        False,
        True,
    ]
    assert audited() == [(f"user:{clerk.pk}", "order.resend_email", paid.reference, "")]


@pytest.mark.parametrize("action", ["cancel_orders", "refund_orders", "resend_emails"])
def test_without_the_permission_nothing_happens(
    client: Client, clerk: User, provider: ScriptedProvider, action: str
) -> None:
    order = makers.order()
    advance_checkout(order_id=order.pk)
    before = makers.kinds(order)
    assert f'value="{action}"' not in client.get(reverse(LIST)).content.decode()
    act(client, action, order)
    assert makers.fresh(order).state == Order.State.CONFIRMED
    assert makers.kinds(order) == before
    assert audited() == []


def test_actions_do_not_run_on_get(client: Client, clerk: User) -> None:
    allow(clerk, "cancel_order")
    order = makers.order()
    query = f"?action=cancel_orders&_selected_action={order.pk}"
    client.get(reverse(LIST) + query, follow=True)
    assert makers.fresh(order).state == Order.State.PLACED
