"""The webhook over Django's own handler, on a real PostgreSQL."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from inventory import sync
from inventory.errors import FeedInvalid
from inventory.feeds import deliveries, open_feed, pushes
from inventory.models import Delivery, Supplier
from tasks.models import Job
from tests.inventory import makers
from tests.inventory.feeds.reading import counts

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "a-secret-of-32-characters-0123456"
CSV = b"sku,quantity\nA-1,7\n"


@pytest.fixture(autouse=True)
def supplier(settings: Settings) -> Supplier:
    settings.SUPPLIER_SECRETS = {"ACME": f"secret {SECRET} an-older-secret-of-30-characters"}
    return Supplier.objects.create(name="acme", kind="push", credential="ACME")


def push(
    body: bytes = CSV,
    *,
    delivery: str = "d-1",
    secret: str = SECRET,
    age_s: float = 0,
    name: str = "acme",
    content_type: str = "text/csv",
    changed: dict[str, str] | None = None,
    client: Client | None = None,
) -> Any:
    """As a supplier's client would sign it. `changed` are headers as somebody else made them."""
    timestamp = str(int(time.time() - age_s))
    signed = f"{timestamp}.{delivery}.".encode() + body
    headers = {
        "X-Stock-Timestamp": timestamp,
        "X-Stock-Delivery": delivery,
        "X-Stock-Signature": "sha256="
        + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(),
        **(changed or {}),
    }
    return (client or Client(enforce_csrf_checks=True)).post(
        f"/webhooks/stock/{name}", body, content_type=content_type, headers=headers
    )


def test_given_a_signed_push_when_taken_then_body_and_job_are_kept(supplier: Supplier) -> None:
    answer = push()
    delivery = Delivery.objects.get()
    job = Job.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {"delivery": "d-1", "job": str(job.pk), "state": "waiting"}
    assert (bytes(delivery.body or b""), delivery.size, delivery.state) == (CSV, 19, "waiting")
    assert (job.task, job.args) == ("inventory.sync_supplier", [supplier.pk])
    assert delivery.job_id == job.pk


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"sku,quantity\n%b,7\n", "text/csv; charset=utf-8"),
        (b'[{"sku": "%b", "quantity": 7}]', "application/json"),
        (b"sku,quantity\n%b,7", "application/octet-stream"),
    ],
)
def test_given_a_push_when_synced_then_its_rows_are_merged_and_its_body_is_let_go(
    supplier: Supplier, body: bytes, content_type: str
) -> None:
    mug = makers.product(on_hand=10)
    before = datetime.fromtimestamp(int(time.time()), UTC)
    # Its clock is a little ahead, so that it was counted after the mugs came.
    push(gzip.compress(body % mug.sku.encode()), content_type=content_type, age_s=-2)
    run = sync.sync_supplier(supplier_id=supplier.pk)
    assert (run.state, run.changed, run.failed) == ("done", 1, 0)
    assert makers.shelf(mug) == (7, 0)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.body) == ("merged", None)
    assert before <= delivery.as_of <= datetime.now(UTC)
    assert sync.sync_supplier(supplier_id=supplier.pk).rows_done == 0


def test_given_pushes_when_synced_then_the_oldest_is_first_and_each_has_its_job(
    supplier: Supplier,
) -> None:
    for number in (1, 2):
        push(b"sku,quantity\nA-1,%d\n" % number, delivery=f"d-{number}")
    assert Job.objects.count() == 2  # one that runs already may have looked before
    with open_feed(supplier) as feed:
        assert counts(list(feed.rows)) == [(2, "A-1", 1)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "another-secret-of-32-characters!!"},
        {"changed": {"X-Stock-Signature": "sha256=" + "0" * 64}},
        {"changed": {"X-Stock-Signature": ""}},
        {"changed": {"X-Stock-Signature": "sha256=é"}},
        {"changed": {"X-Stock-Timestamp": "1"}},
        {"changed": {"X-Stock-Timestamp": "soon"}},
        {"changed": {"X-Stock-Timestamp": "9" * 11}},
        {"changed": {"X-Stock-Timestamp": "9" * 40}},
        {"changed": {"X-Stock-Delivery": "d-2"}},
        {"changed": {"X-Stock-Delivery": ""}},
        {"delivery": "x" * 101},
        {"delivery": "../etc"},
        {"age_s": 301},
        {"age_s": -301},
        {"age_s": 10**9},
    ],
)
def test_given_a_push_that_is_not_the_suppliers_or_not_fresh_when_sent_then_401(
    wrong: dict[str, Any],
) -> None:
    answer = push(**wrong)
    assert answer.status_code == 401
    assert SECRET not in answer.content.decode()
    assert not Delivery.objects.exists() and not Job.objects.exists()


def test_given_a_body_that_somebody_changed_when_sent_then_401() -> None:
    digest = hmac.new(SECRET.encode(), b"1.d-1." + CSV, hashlib.sha256).hexdigest()
    assert (
        push(CSV + b"B-2,9\n", changed={"X-Stock-Signature": f"sha256={digest}"}).status_code == 401
    )


@pytest.mark.parametrize("age_s", [-290, 0, 290])
def test_given_clocks_a_little_apart_when_pushed_then_it_is_taken(age_s: int) -> None:
    assert push(age_s=age_s).status_code == 202


def test_given_an_old_secret_beside_a_new_one_when_pushed_then_both_are_right() -> None:
    assert push(secret="an-older-secret-of-30-characters").status_code == 202


def test_given_the_same_push_again_when_sent_then_it_counts_once_and_is_answered_the_same() -> None:
    first, again = push(), push()
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert Delivery.objects.count() == Job.objects.count() == 1


def test_given_a_merged_push_when_replayed_then_it_is_not_read_again(supplier: Supplier) -> None:
    push()
    sync.sync_supplier(supplier_id=supplier.pk)
    answer = push()
    assert (answer.status_code, answer.json()["state"]) == (202, "merged")
    with open_feed(supplier) as feed:
        assert feed.not_modified


def test_given_a_used_id_when_another_body_comes_then_409() -> None:
    push()
    assert push(CSV + b"B-2,9\n").status_code == 409
    assert bytes(Delivery.objects.get().body or b"") == CSV


def test_given_many_that_send_the_same_at_once_when_taken_then_it_counts_once() -> None:
    answers: list[int] = []
    errors = makers.at_once(*[lambda: answers.append(push().status_code)] * 8)
    assert errors == [] and answers == [202] * 8
    assert Delivery.objects.count() == Job.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("nobody", {}),
        ("acme", {"is_enabled": False}),
        ("acme", {"kind": "web"}),
    ],
)
def test_given_no_such_supplier_when_pushed_then_404_tells_nothing(
    name: str, change: dict[str, object]
) -> None:
    Supplier.objects.update(**change)
    answer = push(name=name)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


def test_given_a_secret_that_is_not_set_when_pushed_then_503_and_the_log_says_what_to_set(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SUPPLIER_SECRETS = {}
    answer = push()
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert "SUPPLIER_CREDENTIALS_ACME" in caplog.text
    assert "SUPPLIER_CREDENTIALS" not in answer.content.decode()


def test_given_more_than_the_limit_when_pushed_then_413(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inventory.webhooks.MAX_BYTES", 100)
    assert push(b"x" * 100, delivery="d-1").status_code == 202
    assert push(b"x" * 101, delivery="d-2").status_code == 413
    assert Delivery.objects.count() == 1


def test_given_a_body_larger_than_a_form_may_be_when_pushed_then_it_is_taken() -> None:
    assert push(b"sku,quantity\n" + b"A-1,7\n" * 10**6).status_code == 202


def test_given_many_that_wait_when_pushed_then_429_and_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pushes, "MAX_WAITING", 2)
    statuses = [push(delivery=f"d-{number}").status_code for number in range(3)]
    assert statuses == [202, 202, 429]
    assert Delivery.objects.count() == Job.objects.count() == 2


def test_given_a_get_when_asked_then_405() -> None:
    assert Client().get("/webhooks/stock/acme").status_code == 405


def test_given_a_job_that_cannot_be_written_when_pushed_then_the_body_is_not_kept_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr("inventory.jobs.enqueue_sync_of_delivery", fail)
    assert push(client=Client(raise_request_exception=False)).status_code == 500
    assert not Delivery.objects.exists()


# --- what becomes of one that is no feed


def test_given_a_push_that_is_no_feed_when_synced_then_it_is_refused_and_the_next_is_read(
    supplier: Supplier,
) -> None:
    push(b"<html>", delivery="d-1")
    push(delivery="d-2")
    with pytest.raises(FeedInvalid):
        sync.sync_supplier(supplier_id=supplier.pk)
    refused = Delivery.objects.get(key="d-1")
    assert (refused.state, bytes(refused.body or b"")) == ("refused", b"<html>")
    with open_feed(supplier) as feed:
        assert counts(list(feed.rows)) == [(2, "A-1", 7)]


def test_given_a_refused_push_when_the_settings_are_mended_then_it_can_be_read_again(
    supplier: Supplier,
) -> None:
    push(b"sku,Bestand\nA-1,7\n")
    with pytest.raises(FeedInvalid):
        sync.sync_supplier(supplier_id=supplier.pk)
    Supplier.objects.update(quantity_field="Bestand")
    supplier.refresh_from_db()
    assert deliveries.read_again(Delivery.objects.get().pk)
    assert not deliveries.read_again(Delivery.objects.get().pk)
    with open_feed(supplier) as feed:
        assert counts(list(feed.rows)) == [(2, "A-1", 7)]


def test_given_old_deliveries_when_pruned_then_settled_pushes_go(supplier: Supplier) -> None:
    for number in range(2):
        push(delivery=f"d-{number}")
    assert deliveries.settle_merged(Delivery.objects.get(key="d-0").pk)
    Delivery.objects.create(
        supplier=supplier, kind="file", key="x", feed_format="csv", size=1, state="merged",
        as_of=datetime.now(UTC), settled_at=datetime.now(UTC),
    )  # fmt: skip
    assert deliveries.prune(before=datetime.now(UTC)) == 1
    assert sorted(Delivery.objects.values_list("key", flat=True)) == ["d-1", "x"]


def test_given_the_recipe_of_the_documentation_when_run_then_its_push_is_taken(
    live_server: LiveServer,
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "suppliers.md").read_text()
    recipe = page.partition("```python\n")[2].partition("```")[0]
    here = recipe.replace("https://shop.example", live_server.url)
    assert here != recipe
    exec(here, {"SECRET": SECRET, "FEED": CSV})  # it raises unless the answer is good
    delivery = Delivery.objects.get()
    assert (bytes(delivery.body or b""), delivery.feed_format) == (CSV, "csv")
