from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from inventory import trying
from inventory.feeds.limits import Limits
from inventory.models import Delivery, Supplier, SyncRun
from tasks.models import Job
from tests.inventory.test_admin import client_with
from tests.inventory.web import Answer, SupplierSite

pytestmark = pytest.mark.django_db(transaction=True)

FORM = {
    "name": "acme", "kind": "web", "feed_format": "csv", "is_enabled": "on",
    "feed_url": "https://acme.example/stock.csv", "since_parameter": "", "folder": "",
    "pattern": "", "credential": "", "sku_field": "", "quantity_field": "", "as_of_field": "",
    "safety_buffer": "0", "sync_every_minutes": "15", "max_drop_percent": "50",
    "max_zeroed_percent": "25", "max_bad_percent": "5", "max_below_reserved": "0",
    "max_age_hours": "720",
}  # fmt: skip

ADD = "admin:inventory_supplier_add"


def try_url(supplier: Supplier) -> str:
    return reverse("admin:inventory_try_feed", args=[supplier.pk])


def add(client: Client, **values: Any) -> str:
    """The page that follows, as text."""
    answer = client.post(reverse(ADD), {**FORM, **values}, follow=True)
    return re.sub(r"&#x27;", "'", answer.content.decode())


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"kind": "push", "feed_url": "", "credential": "ACME"},
        {"kind": "folder", "feed_url": "", "folder": "acme/in", "sync_every_minutes": ""},
    ],
)
def test_given_a_form_of_each_kind_when_sent_then_the_supplier_is_there(
    settings: Settings, values: dict[str, str]
) -> None:
    settings.SUPPLIER_SECRETS = {"ACME": "secret a-secret-of-32-characters-0123456"}
    client = client_with("add_supplier", "change_supplier")
    add(client, **values)
    supplier = Supplier.objects.get()
    assert supplier.kind == values.get("kind", "web")
    page = client.get(reverse("admin:inventory_supplier_change", args=[supplier.pk]))
    shows_webhook = "POST /webhooks/stock/acme" in page.content.decode()
    assert shows_webhook == (supplier.kind == "push")
    assert "a-secret-of" not in page.content.decode()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"feed_url": ""}, "Give an address that starts with"),
        ({"kind": "push"}, "Only for a feed that is fetched from an address."),
        ({"credential": "NOBODY"}, "set SUPPLIER_CREDENTIALS_NOBODY"),
        (
            {"kind": "folder", "feed_url": "", "folder": "../.."},
            "must lie under SUPPLIER_FILES_DIR",
        ),
        ({"kind": "carrier pigeon"}, "Select a valid choice"),
        ({"safety_buffer": "-1"}, "greater than or equal to 0"),
    ],
)
def test_given_a_form_that_cannot_be_when_sent_then_a_sentence_says_why(
    values: dict[str, str], sentence: str
) -> None:
    page = add(client_with("add_supplier"), **values)
    assert sentence in page
    assert not Supplier.objects.exists()


def test_given_what_is_remembered_when_an_operator_saves_then_it_stays(site: SupplierSite) -> None:
    supplier = Supplier.objects.create(name="acme", feed_url=FORM["feed_url"], etag='"v1"')
    client = client_with("change_supplier")
    url = reverse("admin:inventory_supplier_change", args=[supplier.pk])
    client.post(url, {**FORM, "safety_buffer": "4", "etag": "mine", "cursor": "mine"})
    supplier.refresh_from_db()
    assert (supplier.safety_buffer, supplier.etag, supplier.cursor) == (4, '"v1"', "")


# --- a look at the feed


def test_given_a_feed_when_tested_then_the_first_rows_and_errors_are_shown_and_nothing_changes(
    site: SupplierSite,
) -> None:
    rows = b"".join(b"A-%d,%d\n" % (number, number) for number in range(100))
    site.answer = Answer(b"sku,quantity\nB-1,<b>\n" + rows, headers={"ETag": '"v1"'})
    supplier = Supplier.objects.create(name="acme", feed_url=site.url, safety_buffer=2)
    client = client_with("sync_stock")
    shown = client.get(reverse("admin:inventory_supplier_change", args=[supplier.pk]))
    assert try_url(supplier) in shown.content.decode()
    page = client.post(try_url(supplier)).content.decode()
    assert "<td>A-18</td><td>16</td>" in page and "A-19" not in page
    assert "quantity &#x27;&lt;b&gt;&#x27; is not a whole number" in page
    assert "About 101 rows" in page
    supplier.refresh_from_db()
    assert supplier.etag == ""
    assert not SyncRun.objects.exists() and not Job.objects.exists()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "HTML or XML page"),
        ({"feed_url": "http://127.0.0.1:1/"}, "reached"),
        ({"kind": "push"}, "Nothing has come"),
        ({"kind": "folder", "folder": "nobody"}, "There is no folder"),
        ({"credential": "NOBODY"}, "set SUPPLIER_CREDENTIALS_NOBODY"),
    ],
)
def test_given_no_feed_when_tested_then_the_page_says_why(
    site: SupplierSite, values: dict[str, str], sentence: str
) -> None:
    site.answer = Answer(b"<h1>Sorry</h1>")
    supplier = Supplier.objects.create(**{"name": "acme", "feed_url": site.url, **values})
    answer = client_with("sync_stock").post(try_url(supplier))
    assert answer.status_code == 200 and sentence in answer.content.decode()


def test_given_a_server_that_trickles_when_tested_then_the_page_comes_in_time(
    site: SupplierSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "TRIAL", Limits(seconds=0.2))
    site.answer = Answer(b"x" * 10**6, trickles=True)
    supplier = Supplier.objects.create(name="acme", feed_url=site.url)
    page = client_with("sync_stock").post(try_url(supplier)).content.decode()
    assert "more than 0.2 s" in page


def test_given_no_permission_or_a_get_when_tested_then_nobody_is_asked(site: SupplierSite) -> None:
    supplier = Supplier.objects.create(name="acme", feed_url=site.url)
    client = client_with("change_supplier")
    assert client.post(try_url(supplier)).status_code == 403
    shown = client.get(reverse("admin:inventory_supplier_change", args=[supplier.pk]))
    assert try_url(supplier) not in shown.content.decode()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("root"))
    assert strict.get(try_url(supplier)).status_code == 405
    assert strict.post(try_url(supplier)).status_code == 403
    assert Client().post(try_url(supplier)).status_code == 302
    assert site.asked == []


# --- sync now, and deliveries


def test_given_marks_when_synced_now_then_all_will_be_read() -> None:
    supplier = Supplier.objects.create(
        name="acme", feed_url=FORM["feed_url"], full_read_at=timezone.now()
    )
    form = {"action": "sync_now", "_selected_action": [supplier.pk]}
    client_with("sync_stock").post(reverse("admin:inventory_supplier_changelist"), form)
    assert Job.objects.get().args == [supplier.pk]
    assert Supplier.objects.get().full_read_at is None


def read_again(client: Client, delivery: Delivery) -> None:
    form = {"action": "read_again", "_selected_action": [delivery.pk]}
    client.post(reverse("admin:inventory_delivery_changelist"), form)


def test_given_a_refused_delivery_when_it_is_to_be_read_again_then_it_waits_and_a_job_with_it() -> (
    None
):
    supplier = Supplier.objects.create(name="acme", kind="push")
    delivery = Delivery.objects.create(
        supplier=supplier, kind="push", key="d-1", feed_format="csv", size=1, body=b"secret body",
        as_of=timezone.now(), state="refused", error="The feed is empty.",
    )  # fmt: skip
    client = client_with("sync_stock")
    for url in ("changelist", "change"):
        arguments = [delivery.pk] if url == "change" else []
        page = client.get(reverse(f"admin:inventory_delivery_{url}", args=arguments))
        assert "The feed is empty." in page.content.decode()
        assert "secret body" not in page.content.decode()
    User.objects.all().delete()
    read_again(client_with(), delivery)
    assert not Job.objects.exists()
    User.objects.all().delete()
    read_again(client_with("sync_stock"), delivery)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == ("waiting", "")
    assert Job.objects.get().args == [supplier.pk]
