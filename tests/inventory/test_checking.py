"""What is found out about a run before anything of it is applied."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path

import pytest

from inventory import checking, reservations, stock
from inventory.models import Supplier, SyncRow, SyncRun
from inventory.snapshots import Verdict, merge
from inventory.sync import sync_supplier
from tests.inventory import makers, syncing
from tests.inventory.syncing import errors, feed, now

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def supplier(tmp_path: Path) -> Supplier:
    """With the limits that every supplier has at first."""
    return syncing.supplier(tmp_path)


def held(supplier: Supplier) -> SyncRun:
    run = sync_supplier(supplier_id=supplier.pk)
    assert run.state == "held"
    return run


def test_given_a_feed_that_loses_half_the_units_when_synced_then_it_is_held_and_nothing_changes(
    supplier: Supplier,
) -> None:
    mug, plate = makers.product(on_hand=100), makers.product(on_hand=100)
    feed(supplier, (mug.sku, 40, now()), (plate.sku, 50, now()))
    run = held(supplier)
    assert run.problems == ["Of 200 units 110 would go, more than 50 %."]
    assert run.plan is not None
    assert (run.plan["units_before"], run.plan["units_after"]) == (200, 90)
    assert [makers.shelf(each) for each in (mug, plate)] == [(100, 0), (100, 0)]
    assert (run.rows_done, run.changed, run.finished_at) == (0, 0, None)


def test_given_a_feed_that_empties_many_products_when_synced_then_it_is_held(
    supplier: Supplier,
) -> None:
    full, *small = [makers.product(on_hand=units) for units in (1000, 1, 1)]
    feed(supplier, (full.sku, 1000, now()), *((each.sku, 0, now()) for each in small))
    assert held(supplier).problems == ["Of 3 products 2 would be empty, more than 25 %."]


def test_given_products_that_were_empty_before_when_synced_then_they_do_not_count(
    supplier: Supplier,
) -> None:
    products = [makers.product(on_hand=units) for units in (10, 0, 0)]
    feed(
        supplier,
        *((each.sku, units, now()) for each, units in zip(products, (9, 0, 0), strict=True)),
    )
    assert sync_supplier(supplier_id=supplier.pk).state == "done"


def test_given_many_bad_rows_when_synced_then_it_is_held_and_they_are_told(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 9, now()), ("NOBODY", 1, now()), (mug.sku, 9, now()))
    run = held(supplier)
    assert run.problems == ["Of 3 rows 2 can't be used, more than 5 %."]
    assert run.failed == 2
    assert errors(run) == [
        (3, "NOBODY", "no product has this SKU"),
        (4, mug.sku, "the SKU is in line 2 already, which counts"),
    ]


def test_given_a_count_below_what_is_promised_when_synced_then_it_is_held(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    makers.reserve("order:1", mug, quantity=8)
    feed(supplier, (mug.sku, 7, now()))
    assert held(supplier).problems == [
        "1 rows say less than is promised to customers, more than 0."
    ]


def test_given_limits_of_its_own_when_synced_then_those_count(tmp_path: Path) -> None:
    strict = syncing.supplier(tmp_path, max_drop_percent=10)
    mug = makers.product(on_hand=100)
    feed(strict, (mug.sku, 89, now()))
    assert held(strict).problems == ["Of 100 units 11 would go, more than 10 %."]


def test_given_clocks_that_are_wrong_when_synced_then_their_rows_are_told(
    tmp_path: Path,
) -> None:
    supplier = syncing.supplier(tmp_path, **{**syncing.TRUSTED, "max_age_hours": 48})
    products = [makers.product(on_hand=10) for _ in range(4)]
    ages = [timedelta(hours=49), timedelta(hours=47), timedelta(minutes=-4), timedelta(days=-1)]
    counted = [now() - age for age in ages]
    feed(
        supplier,
        *((each.sku, 0, as_of) for each, as_of in zip(products, counted, strict=True)),
    )
    run = sync_supplier(supplier_id=supplier.pk)
    assert run.state == "done"
    assert [line for line, _, _ in errors(run)] == [2, 5]
    told = dict(run.rows.values_list("line", "error"))
    assert told[2] == f"as_of {counted[0]:%Y-%m-%dT%H:%M:%SZ} is too long ago"
    assert "lies in the future" in told[5]


def test_given_a_future_time_that_no_reader_refused_when_checked_then_it_is_told(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 9, now()))
    run = syncing.fetched(supplier)
    run.rows.update(as_of=now() + timedelta(days=1))
    checking.check(run, supplier)
    assert run.rows.get().error.endswith("lies in the future")


def test_given_all_kinds_of_rows_when_planned_then_the_statement_says_what_the_pure_function_does(
    supplier: Supplier,
) -> None:
    """Sales, deliveries and promises since the count; newer, older and equal snapshots."""
    circumstances = itertools.product((0, 5, 12), (0, 3), (0, 4), (0, 2), (9, 20), (None, -1, 0, 1))
    cases = [
        (number, makers.product(on_hand=before), quantity, sold, received, promised, merged)
        for number, (quantity, sold, received, promised, before, merged) in enumerate(circumstances)
    ]
    counted = now()
    for number, mug, _, sold, received, promised, merged in cases:
        if sold:
            makers.reserve(f"sale:{number}", mug, quantity=sold)
            reservations.commit(reference=f"sale:{number}")
        if received:
            stock.receive(product_id=mug.pk, quantity=received, reference="delivery:2")
        if promised:
            makers.reserve(f"order:{number}", mug, quantity=promised)
        if merged is not None:
            mug.stocks.update(as_of=counted + timedelta(seconds=merged))
    feed(supplier, *((mug.sku, quantity, counted) for _, mug, quantity, *_ in cases))
    run = syncing.checked(supplier)
    found = {row.sku: row for row in checking.merges_of(run)}
    for _, mug, quantity, sold, received, _, _ in cases:
        row = mug.stocks.get()
        pure = merge(
            quantity=quantity,
            as_of=counted,
            moved_since=received - sold,
            on_hand=row.on_hand,
            reserved=row.reserved,
            merged_as_of=row.as_of,
        )
        said = found[mug.sku]
        assert (said.verdict, said.change) == (pure.verdict.value, pure.change), said
        if pure.verdict is not Verdict.OUTDATED:
            assert said.meant == pure.on_hand


def test_given_an_expired_promise_when_planned_then_it_is_not_in_the_way(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    makers.reserve("order:1", mug, quantity=6, ttl_s=0)
    feed(supplier, (mug.sku, 5, now()))
    assert checking.plan_of(syncing.fetched(supplier)).below == 0


def test_given_a_check_that_died_when_done_again_then_the_answer_is_the_same(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=100)
    feed(supplier, (mug.sku, 99, now()), *((f"X{n}", 1, now()) for n in range(3)))
    run = syncing.fetched(supplier)
    SyncRow.objects.filter(run=run, sku="X0").update(error="no product has this SKU")
    checking.check(run, supplier)
    run.refresh_from_db()
    assert (run.state, run.failed, run.row_errors.count()) == ("held", 3, 3)
