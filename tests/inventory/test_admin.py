from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from inventory.models import (
    Product,
    Reservation,
    Stock,
    StockMovement,
    Supplier,
    SyncRowError,
    SyncRun,
)
from tasks.models import AuditEntry, Job
from tests.inventory import makers

pytestmark = pytest.mark.django_db(transaction=True)

VIEW = [
    "view_product", "view_stock", "view_stockmovement", "view_reservation", "view_supplier",
    "view_syncrun", "view_syncrowerror", "view_delivery",
]  # fmt: skip


def client_with(*codenames: str) -> Client:
    """A member of the staff who may look at everything and do just this."""
    user = User.objects.create_user("ann", is_staff=True)
    allowed = Permission.objects.filter(
        content_type__app_label="inventory", codename__in=[*VIEW, *codenames]
    )
    user.user_permissions.set(allowed)
    client = Client(enforce_csrf_checks=False)
    client.force_login(user)
    return client


def adjust_url(product: Product) -> str:
    return reverse("admin:inventory_adjust", args=[product.pk])


def wish_of(client: Client, product: Product) -> str:
    """The hidden field of a form that was loaded."""
    page = client.get(adjust_url(product)).content.decode()
    found = re.search(r'name="wish" value="([^"]+)"', page)
    assert found
    return found[1]


def test_given_data_when_looked_at_then_every_page_shows_it() -> None:
    client = client_with("adjust_stock")
    mug = makers.product()
    makers.reserve("order:1", mug)
    supplier = Supplier.objects.create(name="acme", feed_url="file:///stock.csv")
    run = SyncRun.objects.create(supplier=supplier, failed=1)
    SyncRowError.objects.create(run=run, line=7, sku="X", reason="quantity -3 is negative")
    rows = [mug, Stock.objects.get(), StockMovement.objects.get(), Reservation.objects.get()]
    for row in [*rows, supplier, run]:
        name = f"admin:inventory_{row._meta.model_name}"
        assert client.get(reverse(f"{name}_changelist"), {"q": "SKU"}).status_code in (200, 302)
        assert client.get(reverse(f"{name}_changelist")).status_code == 200
        assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
    page = client.get(reverse("admin:inventory_syncrun_change", args=[run.pk]))
    assert "quantity -3 is negative" in page.content.decode()


@pytest.mark.parametrize("model", ["stock", "stockmovement", "reservation", "syncrun"])
def test_given_what_services_write_when_a_superuser_edits_it_then_it_is_refused(
    admin_client: Client, model: str
) -> None:
    makers.reserve("order:1", makers.product())
    SyncRun.objects.create(supplier=Supplier.objects.create(name="acme", feed_url="file:///x"))
    pk = {
        "stock": Stock.objects.get().pk,
        "stockmovement": StockMovement.objects.get().pk,
        "reservation": Reservation.objects.get().pk,
        "syncrun": SyncRun.objects.get().pk,
    }[model]
    for url in (
        reverse(f"admin:inventory_{model}_change", args=[pk]),
        reverse(f"admin:inventory_{model}_delete", args=[pk]),
        reverse(f"admin:inventory_{model}_add"),
    ):
        assert admin_client.post(url, {"on_hand": "99", "post": "yes"}).status_code == 403


def test_given_the_form_when_sent_then_the_stock_is_adjusted_by_a_movement() -> None:
    client, mug = client_with("adjust_stock"), makers.product(on_hand=10)
    form = {"quantity": "-3", "reason": "broken", "wish": wish_of(client, mug)}
    answer = client.post(adjust_url(mug), form, follow=True)
    assert answer.status_code == 200 and "-3 units" in answer.content.decode()
    assert makers.shelf(mug) == (7, 0)
    movement = StockMovement.objects.get(kind="adjusted")
    assert (movement.actor, movement.note) == ("ann", "broken")
    assert movement.reference == f"admin:{form['wish']}"
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == (f"user:{User.objects.get().pk}", "stock.adjust")
    assert (entry.subject, entry.reason) == (f"product:{mug.pk}", "broken")
    assert entry.details == {"quantity": -3, "movement": movement.pk}


def test_given_a_form_sent_twice_when_adjusted_then_it_counts_once() -> None:
    client, mug = client_with("adjust_stock"), makers.product(on_hand=10)
    form = {"quantity": "-3", "reason": "broken", "wish": wish_of(client, mug)}
    client.post(adjust_url(mug), form)
    client.post(adjust_url(mug), form)
    assert makers.shelf(mug) == (7, 0)
    assert AuditEntry.objects.count() == 1


def test_given_a_product_without_stock_when_adjusted_then_its_stock_opens() -> None:
    client, mug = client_with("adjust_stock"), makers.product(on_hand=0)
    form = {"quantity": "5", "reason": "found", "wish": wish_of(client, mug)}
    assert client.post(adjust_url(mug), form).status_code == 302
    assert makers.shelf(mug) == (5, 0)


@pytest.mark.parametrize("quantity", ["0", "", "many", "1.5", "-9", "2147483648", "NaN"])
def test_given_a_quantity_that_cannot_be_when_sent_then_the_form_says_so(quantity: str) -> None:
    client, mug = client_with("adjust_stock"), makers.product(on_hand=10)
    makers.reserve("order:1", mug)
    form = {"quantity": quantity, "reason": "broken", "wish": wish_of(client, mug)}
    answer = client.post(adjust_url(mug), form)
    assert answer.status_code == 400 and "errorlist" in answer.content.decode()
    assert makers.shelf(mug) == (10, 2)
    assert not AuditEntry.objects.exists()


def test_given_redis_is_down_when_adjusted_then_the_form_says_try_again(
    settings: Settings,
) -> None:
    client, mug = client_with("adjust_stock"), makers.product(on_hand=10)
    form = {"quantity": "-3", "reason": "broken", "wish": wish_of(client, mug)}
    settings.LOCKS_REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.post(adjust_url(mug), form)
    assert answer.status_code == 400 and "try again" in answer.content.decode()


def test_given_no_permission_when_adjusting_then_it_is_refused_and_not_offered() -> None:
    client, mug = client_with(), makers.product(on_hand=10)
    form = {"quantity": "-3", "reason": "broken"}
    assert client.get(adjust_url(mug)).status_code == 403
    assert client.post(adjust_url(mug), form).status_code == 403
    page = client.get(reverse("admin:inventory_product_change", args=[mug.pk]))
    assert adjust_url(mug) not in page.content.decode()
    assert makers.shelf(mug) == (10, 0)
    assert not AuditEntry.objects.exists()


def test_given_a_stranger_when_adjusting_then_they_must_sign_in() -> None:
    mug = makers.product(on_hand=10)
    assert Client().post(adjust_url(mug), {"quantity": "-3"}).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("root"))
    assert strict.post(adjust_url(mug), {"quantity": "-3"}).status_code == 403
    assert makers.shelf(mug) == (10, 0)


def test_given_a_get_with_everything_in_it_when_sent_then_nothing_changes() -> None:
    client, mug = client_with("adjust_stock", "sync_stock"), makers.product(on_hand=10)
    Supplier.objects.create(name="acme", feed_url="file:///stock.csv")
    form = {"quantity": "-3", "reason": "broken", "wish": wish_of(client, mug)}
    assert client.get(adjust_url(mug), form).status_code == 200
    client.get(reverse("admin:inventory_supplier_changelist"), {"action": "sync_now"})
    assert makers.shelf(mug) == (10, 0)
    assert not Job.objects.exists()


def sync_now(client: Client, *suppliers: Supplier) -> str:
    form = {"action": "sync_now", "_selected_action": [each.pk for each in suppliers]}
    url = reverse("admin:inventory_supplier_changelist")
    return client.post(url, form, follow=True).content.decode()


def test_given_suppliers_when_synced_now_then_a_job_is_enqueued_for_each_enabled_one() -> None:
    client = client_with("sync_stock")
    acme = Supplier.objects.create(name="acme", feed_url="file:///stock.csv")
    off = Supplier.objects.create(name="off", feed_url="file:///stock.csv", is_enabled=False)
    page = sync_now(client, acme, off)
    assert "Syncs are enqueued for acme." in page and "off is switched off." in page
    job, entry = Job.objects.get(), AuditEntry.objects.get()
    assert job.args == [acme.pk]
    assert (entry.action, entry.subject) == ("supplier.sync", f"supplier:{acme.pk}")
    assert entry.details == {"job": str(job.pk)}


def test_given_no_permission_when_synced_now_then_nothing_is_enqueued() -> None:
    client = client_with("change_supplier")
    acme = Supplier.objects.create(name="acme", feed_url="file:///stock.csv")
    sync_now(client, acme)
    assert not Job.objects.exists()
    assert not AuditEntry.objects.exists()
