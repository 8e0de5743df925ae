"""The admin's pages of syncs: what they show, and who may decide."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import Supplier, SyncRun
from inventory.sync import merge_approved
from tasks.models import AuditEntry, Job
from tests.inventory import makers, syncing
from tests.inventory.syncing import feed, now, run_sync
from tests.inventory.test_admin import client_with

pytestmark = pytest.mark.django_db(transaction=True)

WHY = "I counted it myself."


@pytest.fixture
def supplier(tmp_path: Path) -> Supplier:
    return syncing.supplier(tmp_path)


def held_run(supplier: Supplier) -> SyncRun:
    """Most of its units would go."""
    mug, plate = makers.product(on_hand=1000), makers.product(on_hand=10)
    feed(supplier, (mug.sku, 1, now()), (plate.sku, 12, now()), ("no-such-sku", 5, now()))
    run = run_sync(supplier)
    assert run.state == "held"
    return run


def diff_url(run: SyncRun) -> str:
    return reverse("admin:inventory_syncrun_diff", args=[run.pk])


def decide(client: Client, run: SyncRun, decision: str, reason: str = WHY) -> int:
    data = {"decision": decision, "reason": reason}
    return client.post(diff_url(run), data).status_code


def report(client: Client, run: SyncRun) -> list[dict[str, str]]:
    answer: Any = client.get(reverse("admin:inventory_syncrun_csv", args=[run.pk]))
    assert answer.streaming
    text = answer.getvalue().decode()
    return list(csv.DictReader(text.splitlines()))


def test_given_a_held_run_when_looked_at_then_it_says_why_and_what_it_would_do(
    supplier: Supplier,
) -> None:
    run = held_run(supplier)
    client = client_with("decide_sync")
    page = client.get(reverse("admin:inventory_syncrun_change", args=[run.pk])).content.decode()
    assert "Nothing of it was applied." in page
    assert run.problems[0] in page
    assert diff_url(run) in page
    page = client.get(diff_url(run)).content.decode()
    assert "1,000" in page
    assert "-999" in page
    assert "+2" in page
    assert "Approve and merge" in page


def test_given_a_held_run_when_approved_then_its_merge_is_enqueued_and_on_record(
    supplier: Supplier,
) -> None:
    run = held_run(supplier)
    assert decide(client_with("decide_sync"), run, "approve") == 302
    run.refresh_from_db()
    assert run.state == "approved"
    assert Job.objects.filter(task="inventory.merge_approved", args=[run.pk]).exists()
    entry = AuditEntry.objects.get(action="sync.approve")
    assert (entry.subject, entry.reason) == (f"sync:{run.pk}", WHY)


def test_given_a_held_run_when_rejected_then_nothing_of_it_is_ever_merged(
    supplier: Supplier,
) -> None:
    run = held_run(supplier)
    assert decide(client_with("decide_sync"), run, "reject") == 302
    run.refresh_from_db()
    assert run.state == "rejected"
    assert AuditEntry.objects.filter(action="sync.reject").count() == 1


def test_given_a_decision_without_a_reason_or_of_another_kind_then_it_is_refused(
    supplier: Supplier,
) -> None:
    run = held_run(supplier)
    client = client_with("decide_sync")
    assert decide(client, run, "approve", reason=" ") == 400
    assert decide(client, run, "applaud") == 400
    run.refresh_from_db()
    assert run.state == "held"


def test_given_two_who_decide_then_the_second_is_told(supplier: Supplier) -> None:
    run = held_run(supplier)
    client = client_with("decide_sync")
    decide(client, run, "reject")
    answer = client.post(diff_url(run), {"decision": "approve", "reason": WHY}, follow=True)
    assert "is not held" in answer.content.decode()
    run.refresh_from_db()
    assert run.state == "rejected"


def test_given_no_permission_then_one_may_look_but_not_decide(supplier: Supplier) -> None:
    run = held_run(supplier)
    client = client_with()
    assert "Approve" not in client.get(diff_url(run)).content.decode()
    assert decide(client, run, "approve") == 403
    run.refresh_from_db()
    assert run.state == "held"
    assert not AuditEntry.objects.exists()


def test_given_a_stranger_then_nothing_is_told(supplier: Supplier, client: Client) -> None:
    run = held_run(supplier)
    for url in (diff_url(run), reverse("admin:inventory_syncrun_csv", args=[run.pk])):
        assert client.get(url).status_code == 302


def test_given_a_get_with_a_decision_then_nothing_is_decided(supplier: Supplier) -> None:
    run = held_run(supplier)
    client_with("decide_sync").get(diff_url(run), {"decision": "approve", "reason": WHY})
    run.refresh_from_db()
    assert run.state == "held"


def test_given_a_merged_run_when_its_report_is_downloaded_then_every_row_is_in_it(
    supplier: Supplier,
) -> None:
    run = held_run(supplier)
    client = client_with("decide_sync")
    decide(client, run, "approve")
    merge_approved(run_id=run.pk)
    rows = report(client, run)
    assert [(row["verdict"], row["change"]) for row in rows] == [
        ("changed", "-999"),
        ("changed", "2"),
        ("error", ""),
    ]
    assert rows[2]["error"] == "no product has this SKU"


def test_given_cells_that_a_spreadsheet_would_run_when_downloaded_then_they_are_text(
    supplier: Supplier,
) -> None:
    makers.product()
    feed(supplier, ("=HYPERLINK(1)", 5, now()))
    run = run_sync(supplier)
    assert report(client_with(), run)[0]["sku"] == "'=HYPERLINK(1)"
