from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from inventory import approving, reservations, sync, tasks
from inventory.errors import NotHeld, RunEnded, SyncGoesOn
from inventory.models import StockMovement, Supplier, SyncRun
from tasks.models import AuditEntry, Job
from tests.inventory import makers, syncing
from tests.inventory.syncing import errors, feed, now, run_sync

pytestmark = pytest.mark.django_db(transaction=True)

WHY = "I counted it myself."


@pytest.fixture
def supplier(tmp_path: Path) -> Supplier:
    return syncing.supplier(tmp_path)


def approve(run: SyncRun) -> str:
    return approving.approve_run(run_id=run.pk, actor="user:1", reason=WHY)


def test_given_a_held_run_when_approved_then_a_job_merges_it_and_it_is_on_record(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 1, now()))
    run = run_sync(supplier)
    job = Job.objects.get(pk=UUID(approve(run)))
    assert (job.task, job.args, job.subject) == (
        "inventory.merge_approved", [run.pk], f"sync:{run.pk}",
    )  # fmt: skip
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject, entry.reason) == (
        "user:1", "sync.approve", f"sync:{run.pk}", WHY,
    )  # fmt: skip
    assert makers.shelf(mug) == (10, 0)
    assert tasks.merge_approved(run.pk)["changed"] == 1
    run.refresh_from_db()
    assert (run.state, run.rows_done) == ("done", 1)
    assert makers.shelf(mug) == (1, 0)


def test_given_sales_while_it_was_held_when_approved_then_they_stay_sold(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 4, now()))
    run = run_sync(supplier)
    makers.reserve("order:1", mug, quantity=3)
    reservations.commit(reference="order:1")
    approve(run)
    sync.merge_approved(run_id=run.pk)
    assert makers.shelf(mug) == (1, 0)


def test_given_promises_when_a_count_below_them_is_approved_then_it_stays_an_error(
    supplier: Supplier,
) -> None:
    mug, plate = makers.product(on_hand=10), makers.product(on_hand=10)
    makers.reserve("order:1", mug, quantity=6)
    feed(supplier, (mug.sku, 5, now()), (plate.sku, 9, now()))
    run = run_sync(supplier)
    assert run.state == "held"
    approve(run)
    sync.merge_approved(run_id=run.pk)
    assert (makers.shelf(mug), makers.shelf(plate)) == ((10, 6), (9, 0))
    assert errors(run) == [(2, mug.sku, "5 on hand would be less than the 6 promised")]


def test_given_a_newer_run_meanwhile_when_the_older_is_approved_then_its_rows_are_outdated(
    supplier: Supplier,
) -> None:
    mug, plate = makers.product(on_hand=10), makers.product(on_hand=10)
    feed(supplier, (mug.sku, 1, now()), (plate.sku, 1, now()))
    older = run_sync(supplier)
    feed(supplier, (mug.sku, 9, now()))
    assert run_sync(supplier).state == "done"
    approve(older)
    merged = sync.merge_approved(run_id=older.pk)
    assert (merged.changed, merged.outdated) == (1, 1)
    assert (makers.shelf(mug), makers.shelf(plate)) == ((9, 0), (1, 0))


def test_given_a_held_run_when_rejected_then_nothing_of_it_is_ever_merged(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 1, now()))
    run = run_sync(supplier)
    approving.reject_run(run_id=run.pk, actor="user:1", reason="Half of the file is missing.")
    run.refresh_from_db()
    assert (run.state, run.error) == ("rejected", "Half of the file is missing.")
    assert AuditEntry.objects.get().action == "sync.reject"
    with pytest.raises(NotHeld):
        approve(run)
    with pytest.raises(RunEnded):
        sync.merge_approved(run_id=run.pk)
    assert makers.shelf(mug) == (10, 0)
    assert not Job.objects.exists()


def test_given_two_people_when_both_decide_then_the_first_word_counts(supplier: Supplier) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 1, now()))
    run = run_sync(supplier)
    found = makers.at_once(*[lambda: approve(run)] * 3)
    assert [type(error) for error in found] == [NotHeld, NotHeld]
    assert Job.objects.count() == AuditEntry.objects.count() == 1


def test_given_no_reason_when_decided_then_nothing_happens(supplier: Supplier) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 1, now()))
    run = run_sync(supplier)
    with pytest.raises(ValueError, match="Say why"):
        approving.approve_run(run_id=run.pk, actor="user:1", reason=" ")
    run.refresh_from_db()
    assert run.state == "held"
    assert not AuditEntry.objects.exists()


def test_given_a_sync_under_way_when_an_approved_run_is_to_be_merged_then_it_waits(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 1, now()))
    run = run_sync(supplier)
    approve(run)
    other = SyncRun.objects.create(supplier=supplier)
    with pytest.raises(SyncGoesOn):
        sync.merge_approved(run_id=run.pk)
    SyncRun.objects.filter(pk=other.pk).update(state="done")
    assert sync.merge_approved(run_id=run.pk).state == "done"
    assert StockMovement.objects.filter(reference=f"sync:{run.pk}").count() == 1
