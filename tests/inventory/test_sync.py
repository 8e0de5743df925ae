from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from inventory import merging, reservations, stock, sync
from inventory.errors import (
    FeedInvalid,
    FeedUnavailable,
    RunEnded,
    SupplierDisabled,
    SyncGoesOn,
)
from inventory.models import Product, Stock, StockMovement, Supplier, SyncRow, SyncRun
from tasks import jobs
from tasks.context import CurrentJob, running
from tasks.locks import LockLost, LockTimeout, LockUnavailable, lock
from tasks.models import Job
from tasks.outcomes import Cancel, Snooze
from tests.inventory import makers, syncing
from tests.inventory.syncing import errors, feed, now, run_sync
from tests.inventory.web import Answer, SupplierSite

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def supplier(tmp_path: Path) -> Supplier:
    """Its feed is a file that `feed` writes, and none of its runs is held."""
    return syncing.supplier(tmp_path, **syncing.TRUSTED)


def test_given_a_feed_when_synced_then_stock_record_and_movements_say_so(
    supplier: Supplier,
) -> None:
    mug, plate, bowl = (makers.product(on_hand=units) for units in (10, 5, 0))
    feed(supplier, (mug.sku, 7, now()), (plate.sku, 5, now()), (bowl.sku, 3, now()))
    run = run_sync(supplier)
    assert [makers.shelf(each)[0] for each in (mug, plate, bowl)] == [7, 5, 3]
    assert (run.state, run.rows_total, run.rows_done) == ("done", 3, 3)
    assert (run.added, run.changed, run.unchanged, run.outdated, run.failed) == (1, 1, 1, 0, 0)
    assert [row.verdict for row in run.rows.order_by("number")] == ["changed", "unchanged", "added"]
    movements = StockMovement.objects.filter(reference=f"sync:{run.pk}")
    assert sorted(movements.values_list("kind", "quantity")) == [("synced", -3), ("synced", 3)]
    makers.assert_sums([mug, plate, bowl])


def test_given_sales_since_the_count_when_synced_then_they_stay_sold(supplier: Supplier) -> None:
    mug = makers.product(on_hand=10)
    counted = now()
    makers.reserve("order:1", mug)
    reservations.commit(reference="order:1")
    stock.receive(product_id=mug.pk, quantity=5, reference="delivery:2")
    feed(supplier, (mug.sku, 20, counted))
    run_sync(supplier)
    assert makers.shelf(mug) == (23, 0)
    makers.assert_sums([mug])


def test_given_the_same_feed_twice_when_synced_then_the_second_changes_nothing(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 7, now()))
    run_sync(supplier)
    makers.reserve("order:1", mug)
    reservations.commit(reference="order:1")
    again = run_sync(supplier)
    assert (again.changed, again.unchanged) == (0, 1)
    assert makers.shelf(mug) == (5, 0)


def test_given_an_older_feed_when_synced_late_then_it_is_outdated(supplier: Supplier) -> None:
    mug = makers.product(on_hand=10)
    monday, tuesday = now() - timedelta(days=2), now()
    feed(supplier, (mug.sku, 7, tuesday))
    run_sync(supplier)
    feed(supplier, (mug.sku, 99, monday))
    run = run_sync(supplier)
    assert (run.changed, run.outdated) == (0, 1)
    row = Stock.objects.get(product=mug)
    assert (row.on_hand, row.as_of) == (7, tuesday)


def test_given_feeds_in_any_order_with_repeats_when_synced_then_the_stock_ends_the_same(
    supplier: Supplier,
) -> None:
    """Three counts, with a sale or a delivery after each."""
    orders = list(itertools.permutations(range(3)))
    mugs = [makers.product(on_hand=50) for _ in orders]
    counts: list[tuple[int, datetime]] = []
    for number, units in enumerate((40, 30, 20)):
        counts.append((units, now()))
        for mug in mugs:
            makers.reserve(f"order:{mug.pk}:{number}", mug)
            reservations.commit(reference=f"order:{mug.pk}:{number}")
            stock.receive(product_id=mug.pk, quantity=5, reference="delivery:2")
    for mug, order in zip(mugs, orders, strict=True):
        for number in (*order, order[0]):
            feed(supplier, (mug.sku, *counts[number]))
            run_sync(supplier)
    assert {makers.shelf(mug) for mug in mugs} == {(23, 0)}
    makers.assert_sums(mugs)


def test_given_a_sync_between_when_an_earlier_count_comes_then_corrections_are_not_counted_as_moves(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    first, second = now(), now() + timedelta(microseconds=5)
    feed(supplier, (mug.sku, 4, first))
    run_sync(supplier)  # writes a movement of -6 after `second`
    feed(supplier, (mug.sku, 8, second))
    run_sync(supplier)
    assert makers.shelf(mug) == (8, 0)


# --- rows that can't be used


def test_given_bad_rows_when_synced_then_each_is_told_and_the_rest_is_merged(
    supplier: Supplier,
) -> None:
    mug, plate = makers.product(on_hand=10), makers.product(on_hand=5)
    feed(
        supplier,
        (mug.sku, -3, None),
        (mug.sku, 7, None),
        ("NOBODY", 7, None),
        (mug.sku, 8, None),
        (plate.sku, "few", None),
    )
    run = run_sync(supplier)
    assert errors(run) == [
        (2, mug.sku, "quantity -3 is negative"),
        (4, "NOBODY", "no product has this SKU"),
        (5, mug.sku, "the SKU is in line 3 already, which counts"),
        (6, plate.sku, "quantity 'few' is not a whole number"),
    ]
    assert (run.state, run.rows_done, run.changed, run.failed) == ("done", 5, 1, 4)
    assert (makers.shelf(mug)[0], makers.shelf(plate)[0]) == (7, 5)


def test_given_promised_units_when_a_count_is_below_them_then_its_row_is_told(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    makers.reserve("order:1", mug, quantity=6)
    feed(supplier, (mug.sku, 5, None))
    run = run_sync(supplier)
    assert errors(run) == [(2, mug.sku, "5 on hand would be less than the 6 promised")]
    assert makers.shelf(mug) == (10, 6)
    assert Stock.objects.get(product=mug).as_of is None  # the next feed may bring it


def test_given_expired_promises_when_synced_then_they_are_not_in_the_way(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    makers.reserve("order:1", mug, quantity=6, ttl_s=0)
    feed(supplier, (mug.sku, 5, None))
    run_sync(supplier)
    assert makers.shelf(mug) == (5, 0)


def test_given_very_many_bad_rows_when_synced_then_all_are_counted_and_some_are_kept(
    supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inventory.runs.MAX_ROW_ERRORS", 7)
    feed(supplier, *((f"NOBODY-{number}", 1, None) for number in range(12)))
    run = run_sync(supplier)
    assert (run.failed, run.row_errors.count()) == (12, 7)


# --- runs that stop


@pytest.mark.parametrize(
    ("content", "error"), [("<html>", FeedInvalid), ("sku,price\n", FeedInvalid)]
)
def test_given_no_feed_when_synced_then_the_run_says_why_and_nothing_changes(
    supplier: Supplier, content: str, error: type[Exception]
) -> None:
    mug = makers.product(on_hand=10)
    Path(supplier.feed_url.removeprefix("file://")).write_text(content)
    with pytest.raises(error):
        run_sync(supplier)
    run = SyncRun.objects.get()
    assert (run.state, run.rows_done) == ("failed", 0)
    assert run.error.startswith("FeedInvalid: ") and run.finished_at
    assert makers.shelf(mug) == (10, 0)


def test_given_an_unreachable_feed_when_synced_then_the_job_may_try_again(
    supplier: Supplier,
) -> None:
    with pytest.raises(FeedUnavailable):
        run_sync(supplier)
    assert SyncRun.objects.get().state == "failed"


def test_given_a_disabled_supplier_when_synced_then_it_is_refused(supplier: Supplier) -> None:
    Supplier.objects.update(is_enabled=False)
    with pytest.raises(SupplierDisabled):
        run_sync(supplier)
    assert not SyncRun.objects.exists()


def test_given_a_run_whose_job_is_gone_when_the_next_starts_then_the_first_is_recorded_as_failed(
    supplier: Supplier,
) -> None:
    feed(supplier)
    died = SyncRun.objects.create(supplier=supplier, job_id=uuid4())
    run = run_sync(supplier)
    died.refresh_from_db()
    assert (died.state, run.state) == ("failed", "done")
    assert run.pk != died.pk


def test_given_a_run_whose_job_is_to_come_back_when_another_starts_then_it_is_sent_away(
    supplier: Supplier,
) -> None:
    feed(supplier)
    job = syncing.job_of(supplier)
    SyncRun.objects.create(supplier=supplier, job_id=job.pk)
    with pytest.raises(SyncGoesOn):
        run_sync(supplier)
    assert SyncRun.objects.get().state == "running"


def test_given_a_fetch_that_broke_off_when_the_job_comes_back_then_the_same_run_fetches_anew(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 7, now()))
    broken = SyncRun.objects.create(supplier=supplier, rows_staged=1)
    SyncRow.objects.create(run=broken, number=1, line=2, sku=mug.sku, quantity=1, as_of=now())
    run = run_sync(supplier)
    assert (run.pk, run.state, run.rows_total) == (broken.pk, "done", 1)
    assert makers.shelf(mug) == (7, 0)


def test_given_a_running_sync_when_another_starts_then_it_waits_its_turn(
    supplier: Supplier,
) -> None:
    with lock(f"supplier:{supplier.pk}"), pytest.raises(LockTimeout):
        run_sync(supplier)
    assert not SyncRun.objects.exists()


def test_given_redis_is_down_when_synced_then_nothing_is_merged(
    supplier: Supplier, settings: Settings
) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 7, None))
    settings.LOCKS_REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(LockUnavailable):
        run_sync(supplier)
    assert makers.shelf(mug) == (10, 0)


def test_given_a_lock_lost_in_mid_run_when_synced_again_then_all_is_merged(
    supplier: Supplier, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.SYNC_CHUNK_ROWS = 2
    mugs = [makers.product(on_hand=10) for _ in range(5)]
    counted = now()
    feed(supplier, *((mug.sku, 7, counted) for mug in mugs))
    merge_chunk, calls = merging.merge_chunk, itertools.count(1)

    def lose_the_second(run: SyncRun, *, last: int) -> None:
        if next(calls) == 2:
            raise LockLost("expired")
        merge_chunk(run, last=last)

    monkeypatch.setattr(sync, "merge_chunk", lose_the_second)
    with pytest.raises(LockLost):
        run_sync(supplier)
    run = SyncRun.objects.get()
    assert (run.state, run.phase, run.rows_done, run.changed) == ("running", "merge", 2, 2)
    Path(supplier.feed_url.removeprefix("file://")).unlink()  # nobody fetches it again
    again = run_sync(supplier)
    assert (again.pk, again.state, again.rows_done, again.changed) == (run.pk, "done", 5, 5)
    assert {makers.shelf(mug) for mug in mugs} == {(7, 0)}
    assert StockMovement.objects.filter(kind="synced").count() == 5


def test_given_a_run_that_somebody_goes_on_with_when_the_first_writes_then_it_is_refused(
    supplier: Supplier,
) -> None:
    """The supplier's lock was lost; the run's epoch tells."""
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 7, now()))
    run = syncing.checked(supplier)
    SyncRun.objects.filter(pk=run.pk).update(epoch=run.epoch + 1)
    with pytest.raises(RunEnded):
        merging.merge_chunk(run, last=1)
    assert makers.shelf(mug) == (10, 0)
    assert not run.rows.exclude(verdict="").exists()


def test_given_a_chunk_that_two_merge_at_once_when_both_commit_then_it_counts_once(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 7, now()))
    run = syncing.checked(supplier)
    twin = SyncRun.objects.get(pk=run.pk)
    merging.merge_chunk(run, last=1)
    with pytest.raises(RunEnded):
        merging.merge_chunk(twin, last=1)
    run.refresh_from_db()
    assert (run.rows_done, run.changed) == (1, 1)


def test_given_a_product_that_was_deleted_after_the_check_when_merged_then_its_row_is_told(
    supplier: Supplier,
) -> None:
    mug, gone = makers.product(on_hand=10), makers.product(on_hand=0)
    feed(supplier, (mug.sku, 7, now()), (gone.sku, 7, now()))
    run = syncing.checked(supplier)
    gone.delete()
    merging.merge_chunk(run, last=2)
    run.refresh_from_db()
    assert (run.changed, run.failed) == (1, 1)
    assert errors(run) == [(3, gone.sku, "no product has this SKU")]


# --- as a job, over HTTP, beside sales


def test_given_a_job_when_synced_then_it_shows_progress_and_names_itself(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 7, None))
    job = CurrentJob(id=uuid4(), attempt=1, task="test", correlation_id="", worker="test")
    with running(job):
        run = run_sync(supplier)
    assert (job.done, job.total) == (1, 1)
    assert run.job_id == job.id
    assert StockMovement.objects.get(kind="synced").job_id == job.id


def test_given_a_job_that_was_cancelled_when_synced_then_it_stops_between_chunks(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 7, None))
    job = CurrentJob(id=uuid4(), attempt=1, task="test", correlation_id="", worker="test")
    job.cancel_requested = True
    with running(job), pytest.raises(Cancel):
        run_sync(supplier)
    assert SyncRun.objects.get().state == "failed"
    assert makers.shelf(mug) == (10, 0)


def test_given_checkouts_that_wait_when_synced_as_a_job_then_it_snoozes_and_goes_on_later(
    supplier: Supplier, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SYNC_CHUNK_ROWS = 2
    monkeypatch.setattr("inventory.progress.LOOK_EVERY_S", 0)
    mugs = [makers.product(on_hand=10) for _ in range(5)]
    feed(supplier, *((mug.sku, 7, now()) for mug in mugs))
    waiting = syncing.waiting_checkout(for_s=60)
    job = CurrentJob(id=uuid4(), attempt=1, task="test", correlation_id="", worker="test")
    with running(job), pytest.raises(Snooze) as snooze:
        run_sync(supplier)
    assert snooze.value.after_s == 2
    assert SyncRun.objects.get().state == "running"
    with lock(f"supplier:{supplier.pk}", wait=0):
        pass  # others may have it meanwhile
    jobs.cancel(waiting.pk)
    with running(job):
        run = run_sync(supplier)
    assert (run.state, run.changed) == ("done", 5)


def test_given_checkouts_that_have_only_just_come_when_synced_then_it_goes_on(
    supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inventory.progress.LOOK_EVERY_S", 0)
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 7, now()))
    syncing.waiting_checkout(for_s=0)
    job = CurrentJob(id=uuid4(), attempt=1, task="test", correlation_id="", worker="test")
    with running(job):
        assert run_sync(supplier).state == "done"
    assert Job.objects.get().state == "scheduled"


def test_given_a_json_feed_on_the_web_when_synced_then_it_is_merged(site: SupplierSite) -> None:
    mug = makers.product(on_hand=10)
    supplier = Supplier.objects.create(
        name="web", feed_url=site.url, feed_format="json", **syncing.TRUSTED
    )
    document = {
        "as_of": datetime.now(UTC).isoformat(),
        "products": [{"sku": mug.sku, "quantity": 4}, {"sku": mug.sku, "quantity": 5}, 7],
    }
    site.answer = Answer(json.dumps(document).encode(), content_type="application/json")
    run = run_sync(supplier)
    assert makers.shelf(mug) == (4, 0)
    assert [line for line, _, _ in errors(run)] == [2, 3]


def test_given_sales_meanwhile_when_synced_again_and_again_then_no_unit_is_lost_or_sold_twice(
    supplier: Supplier, settings: Settings
) -> None:
    """The count is right as of its time; whatever is sold while it is merged stays sold."""
    settings.SYNC_CHUNK_ROWS = 3
    products = [makers.product(on_hand=100) for _ in range(6)]
    feed(supplier, *((each.sku, 80, now()) for each in products))

    def sell(seed: int) -> None:
        for number in range(15):
            reference = f"order:{seed}:{number}"
            makers.reserve(reference, *sample(products, seed + number), quantity=1)
            assert reservations.commit(reference=reference)

    def keep_syncing() -> None:
        for _ in range(8):
            run_sync(supplier)

    found = makers.at_once(lambda: sell(0), lambda: sell(1), lambda: sell(2), keep_syncing)
    assert found == []
    makers.assert_sums(products)
    for each in products:
        assert makers.shelf(each) == (80 + makers.moved(each, "sold"), 0)


def sample(products: list[Product], number: int) -> list[Product]:
    return [products[number % 6], products[(number * 5 + 3) % 6]]
