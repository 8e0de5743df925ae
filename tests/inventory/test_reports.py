from __future__ import annotations

from pathlib import Path

import pytest

from inventory import reports
from inventory.models import Supplier, SyncRun
from inventory.sync import sync_supplier
from tests.inventory import makers, syncing
from tests.inventory.syncing import feed, now

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def supplier(tmp_path: Path) -> Supplier:
    return syncing.supplier(tmp_path, **syncing.TRUSTED)


def a_bit_of_everything(supplier: Supplier) -> list[str]:
    """The SKUs of a feed with each kind of row."""
    changed, same, late, promised = (makers.product(on_hand=10) for _ in range(4))
    new = makers.product(on_hand=0)
    counted = now()
    late.stocks.update(as_of=now())
    makers.reserve("order:1", promised, quantity=6)
    lines = [(changed, 7), (same, 10), (late, 1), (promised, 5), (new, 3)]
    feed(supplier, *((each.sku, units, counted) for each, units in lines), ("NOBODY", 1, counted))
    return [each.sku for each, _ in lines]


def test_given_a_run_that_is_not_merged_when_asked_then_the_diff_says_what_it_would_do(
    supplier: Supplier,
) -> None:
    skus = a_bit_of_everything(supplier)
    run = syncing.checked(supplier)
    told = [
        (row.sku, row.before, row.after, row.change, row.verdict)
        for row in reports.run_diff(run, unchanged_too=True)
    ]
    assert told == [
        (skus[0], 10, 7, -3, "changed"),
        (skus[1], 10, 10, 0, "unchanged"),
        (skus[2], 10, 10, 0, "outdated"),
        (skus[3], 10, 10, 0, "below"),
        (skus[4], 0, 3, 3, "added"),
    ]


def test_given_pages_when_asked_one_by_one_then_each_row_that_matters_is_on_one(
    supplier: Supplier,
) -> None:
    skus = a_bit_of_everything(supplier)
    run = syncing.checked(supplier)
    first = reports.run_diff(run, limit=2)
    second = reports.run_diff(run, limit=2, after=first[-1].number)
    assert [row.sku for row in first + second] == [skus[0], *skus[2:]]
    assert reports.run_diff(run, limit=2, after=second[-1].number) == []


def test_given_a_run_that_is_done_when_asked_then_every_row_says_what_became_of_it(
    supplier: Supplier,
) -> None:
    skus = a_bit_of_everything(supplier)
    run = sync_supplier(supplier_id=supplier.pk)
    told = [(row.sku, row.before, row.after, row.verdict) for row in reports.report_rows(run)]
    assert told == [
        (skus[0], 10, 7, "changed"),
        (skus[1], 10, 10, "unchanged"),
        (skus[2], 10, 10, "outdated"),
        (skus[3], 10, 10, "below"),
        (skus[4], 0, 3, "added"),
        ("NOBODY", None, None, "error"),
    ]
    errors = [row.error for row in reports.report_rows(run) if row.error]
    assert errors == [
        "5 on hand would be less than the 6 promised",
        "no product has this SKU",
    ]
    figures = reports.summary(run)
    assert (figures.added, figures.changed, figures.unchanged) == (1, 1, 1)
    assert (figures.outdated, figures.errors, figures.rows) == (1, 2, 6)
    assert figures.seconds is not None and figures.seconds > 0


def test_given_many_runs_when_another_ends_then_only_the_newest_ones_rows_are_kept(
    supplier: Supplier,
) -> None:
    a_bit_of_everything(supplier)
    kept = syncing.checked(supplier)
    SyncRun.objects.filter(pk=kept.pk).update(state="held")
    done = [sync_supplier(supplier_id=supplier.pk) for _ in range(7)]
    assert [bool(list(reports.report_rows(run))) for run in done] == [False] * 2 + [True] * 5
    assert list(reports.report_rows(kept))  # whoever decides about it wants to see them
    assert done[0].row_errors.exists()
