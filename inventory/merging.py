"""Merging one chunk of a feed: its stocks' locks, one transaction, a few statements, one tally.

The chunk's bad rows and the run's figures are written in the same transaction, so the run's record
says exactly what was done, wherever it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from inventory import generations, runs
from inventory.feeds import BadRow, FeedRow
from inventory.guard import all_written, guarded
from inventory.models import Product, SyncRun
from inventory.movements import current_job_id
from inventory.runs import Tally
from inventory.shelves import Shelf, lock_shelves, open_shelves
from inventory.snapshots import Merge, Verdict, merge
from inventory.statements import SQL
from tasks.locks import Held


@dataclass
class Chunk:
    """Some rows of a feed: the ones to merge, by product, and the ones that can't be used."""

    rows: dict[int, FeedRow] = field(default_factory=dict)
    bad: list[BadRow] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.rows) + len(self.bad)


def sort_out(rows: Sequence[FeedRow | BadRow], *, seen: dict[str, int]) -> Chunk:
    """Find the products; rows of unknown or repeated SKUs are bad.

    `seen` maps the SKUs of the run so far to their lines, and is added to.
    """
    skus = {row.sku for row in rows if isinstance(row, FeedRow)}
    products = dict(Product.objects.filter(sku__in=skus).values_list("sku", "pk"))
    chunk = Chunk()
    for row in rows:
        if isinstance(row, BadRow):
            chunk.bad.append(row)
        elif row.sku in seen:
            reason = f"the SKU is in line {seen[row.sku]} already, which counts"
            chunk.bad.append(BadRow(row.line, row.sku, reason))
        elif row.sku not in products:
            chunk.bad.append(BadRow(row.line, row.sku, "no product has this SKU"))
        else:
            seen[row.sku] = row.line
            chunk.rows[products[row.sku]] = row
    return chunk


def merge_chunk(chunk: Chunk, *, run: SyncRun) -> None:
    """Merge what can be merged and record all of it in the run.

    Raises the errors of the locks, and `RunEnded`; then nothing of the chunk was written.
    """
    if not chunk.rows:
        with transaction.atomic():
            runs.advance(run, Tally(rows=chunk.size), chunk.bad)
        return
    with guarded(chunk.rows) as held:
        open_shelves(chunk.rows)
        shelves = lock_shelves(chunk.rows)
        merges = _decide(chunk.rows, shelves)
        _write(merges, chunk.rows, shelves, run, held)
        bad = chunk.bad + _refused(merges, chunk.rows, shelves)
        runs.advance(run, _tally(chunk, merges), bad)
    generations.renew(key for key, each in merges.items() if each.change)


def _decide(rows: Mapping[int, FeedRow], shelves: Mapping[int, Shelf]) -> dict[int, Merge]:
    there = {key: rows[key] for key in rows if key in shelves}
    moved: dict[int, int] = dict(
        SQL.fetch_all(
            "moved_since",
            {
                "stock_ids": [shelves[key].stock_id for key in there],
                "moments": [row.as_of for row in there.values()],
            },
        )
    )
    return {
        key: merge(
            quantity=row.quantity,
            as_of=row.as_of,
            moved_since=moved[shelves[key].stock_id],
            on_hand=shelves[key].on_hand,
            reserved=shelves[key].reserved,
            merged_as_of=shelves[key].as_of,
        )
        for key, row in there.items()
    }


def _write(
    merges: Mapping[int, Merge],
    rows: Mapping[int, FeedRow],
    shelves: Mapping[int, Shelf],
    run: SyncRun,
    held: Held,
) -> None:
    keys = [key for key, each in merges.items() if each.verdict is Verdict.MERGE]
    written = SQL.fetch_all(
        "sync",
        {
            "stock_ids": [shelves[key].stock_id for key in keys],
            "changes": [merges[key].change for key in keys],
            "moments": [rows[key].as_of for key in keys],
            "token": held.token,
            "reference": f"sync:{run.pk}",
            "job_id": current_job_id(),
        },
    )
    all_written(len(keys), len(written), held=held)


def _refused(
    merges: Mapping[int, Merge], rows: Mapping[int, FeedRow], shelves: Mapping[int, Shelf]
) -> list[BadRow]:
    """Rows that say less than is promised, and rows of products deleted since we looked."""
    bad = [
        BadRow(
            rows[key].line,
            rows[key].sku,
            f"{each.on_hand} on hand would be less than the {shelves[key].reserved} promised",
        )
        for key, each in merges.items()
        if each.verdict is Verdict.BELOW_RESERVED
    ]
    gone = [row for key, row in rows.items() if key not in shelves]
    return bad + [BadRow(row.line, row.sku, "no product has this SKU") for row in gone]


def _tally(chunk: Chunk, merges: Mapping[int, Merge]) -> Tally:
    merged = [each for each in merges.values() if each.verdict is Verdict.MERGE]
    return Tally(
        rows=chunk.size,
        changed=sum(1 for each in merged if each.change),
        unchanged=sum(1 for each in merged if not each.change),
        outdated=sum(1 for each in merges.values() if each.verdict is Verdict.OUTDATED),
    )
