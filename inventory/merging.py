"""Merging one chunk of a run: its stocks' locks, one transaction, a few statements, one tally.

The rows' outcomes and the run's figures are written in the same transaction, so the run's record
says exactly what was done, wherever it stopped, and whoever goes on knows where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db import transaction
from django.db.models import QuerySet

from inventory import generations, runs
from inventory.guard import all_written, guarded
from inventory.models import DEFAULT_LOCATION, SyncRow, SyncRun
from inventory.movements import current_job_id
from inventory.runs import Tally
from inventory.shelves import let_expired_go
from inventory.statements import SQL
from tasks.locks import Held


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """The rows of a run after one number up to another."""

    run_id: int
    after: int
    last: int

    @property
    def rows(self) -> QuerySet[SyncRow]:
        return SyncRow.objects.filter(
            run_id=self.run_id, number__gt=self.after, number__lte=self.last
        )


def merge_chunk(run: SyncRun, *, last: int) -> None:
    """Merge the run's rows from where it is to the number `last`, and move it there.

    Raises the errors of the locks, and `RunEnded`; then nothing of the chunk was written.
    """
    chunk = Chunk(run_id=run.pk, after=run.rows_done, last=last)
    with transaction.atomic():
        SQL.run("for_chunks", {})
        products = [row[0] for row in SQL.fetch_all("rows_products", asdict(chunk))]
    changed: Sequence[int] = ()
    if products:
        with guarded(products) as held:
            changed = _merge(run, chunk, products, held)
    else:
        with transaction.atomic():
            runs.advance(run, Tally(last=last, failed=_refuse_gone(run, chunk)))
    run.rows_done = last
    generations.renew_on_commit(changed)


def _merge(run: SyncRun, chunk: Chunk, products: Sequence[int], held: Held) -> Sequence[int]:
    """Under the locks; the products whose units changed."""
    SQL.run("for_chunks", {})
    opened = _lock(products)
    row = SQL.fetch_all(
        "merge_rows",
        {
            **asdict(chunk),
            "location": DEFAULT_LOCATION,
            "opened": opened,
            "token": held.token,
            "reference": f"sync:{run.pk}",
            "job_id": current_job_id(),
        },
    )[0]
    expected, written, changed, added, updated, unchanged, outdated, below = row
    all_written(expected, written, held=held)
    if below:
        runs.keep_errors(run, chunk.rows.filter(verdict=SyncRow.Verdict.BELOW))
    failed = below + _refuse_gone(run, chunk)
    runs.advance(
        run,
        Tally(
            last=chunk.last,
            added=added,
            changed=updated,
            unchanged=unchanged,
            outdated=outdated,
            failed=failed,
        ),
    )
    return changed or ()


def _lock(products: Sequence[int]) -> list[int]:
    """Lock the products' stocks, free of expired promises; the ids of those that were missing."""
    where = {"product_ids": products, "location": DEFAULT_LOCATION}
    stocks = SQL.fetch_all("lock_stocks", where)
    opened = []
    if len(stocks) < len(products):
        opened = [row[0] for row in SQL.fetch_all("open_shelves", where)]
        SQL.fetch_all("lock_stocks", where)
    if promised := [stock_id for stock_id, reserved in stocks if reserved]:
        let_expired_go(promised)
    return opened


def _refuse_gone(run: SyncRun, chunk: Chunk) -> int:
    """Rows whose product was deleted since they were checked; how many."""
    numbers = [row[0] for row in SQL.fetch_all("gone_rows", asdict(chunk))]
    if numbers:
        runs.keep_errors(run, chunk.rows.filter(number__in=numbers))
    return len(numbers)
