"""What pages and downloads tell about a sync: what it would do, and what it did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from inventory import checking
from inventory.models import SyncRow, SyncRun
from inventory.snapshots import Verdict

Said = SyncRow.Verdict

PAGE = 100


@dataclass(frozen=True, kw_only=True)
class DiffRow:
    """One product of a run that isn't merged yet. `number` is for asking for the next page."""

    number: int
    line: int
    sku: str
    before: int
    after: int
    """For a row that won't be merged: what is there now."""
    change: int
    verdict: str
    """As in `SyncRow.Verdict`."""


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """One row of a feed and what became of it."""

    line: int
    sku: str
    quantity: int | None
    verdict: str
    """As in `SyncRow.Verdict`, or `error`; empty for a row whose turn has not come."""
    before: int | None
    after: int | None
    change: int | None
    error: str


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A run in figures. `seconds` are there when it has ended."""

    rows: int
    added: int
    changed: int
    unchanged: int
    outdated: int
    errors: int
    seconds: float | None


def run_diff(
    run: SyncRun, *, after: int = 0, limit: int = PAGE, unchanged_too: bool = False
) -> list[DiffRow]:
    """What merging the run now would do, by the rows' order; a page of it after a row's number.

    It is computed anew each time, since the stock moves on while a run is held. Rows that can't be
    used are in `run.row_errors`.
    """
    rows = checking.merges_of(run, after=after, limit=limit, unchanged_too=unchanged_too)
    return [
        DiffRow(
            number=row.number,
            line=row.line,
            sku=row.sku,
            before=row.on_hand,
            after=row.on_hand + row.change,
            change=row.change,
            verdict=_verdict(row),
        )
        for row in rows
    ]


def report_rows(run: SyncRun) -> Iterator[ReportRow]:
    """Every row of the run as it ended, in order, streamed. None for a run of long ago: only the
    newest ones' rows are kept.
    """
    names = ("line", "sku", "quantity", "verdict", "before", "change", "error")
    rows = run.rows.order_by("number").values_list(*names)
    for line, sku, quantity, verdict, before, change, error in rows.iterator(chunk_size=2000):
        yield ReportRow(
            line=line,
            sku=sku,
            quantity=quantity,
            verdict=verdict or ("error" if error else ""),
            before=before,
            after=None if before is None else before + change,
            change=change,
            error=error,
        )


def summary(run: SyncRun) -> Summary:
    ended = run.finished_at
    return Summary(
        rows=run.rows_done,
        added=run.added,
        changed=run.changed,
        unchanged=run.unchanged,
        outdated=run.outdated,
        errors=run.failed,
        seconds=(ended - run.started_at).total_seconds() if ended else None,
    )


def _verdict(row: checking.Meant) -> str:
    if row.verdict == Verdict.OUTDATED.value:
        return Said.OUTDATED.value
    if row.verdict == Verdict.BELOW_RESERVED.value:
        return Said.BELOW.value
    if row.stock_id is None:
        return Said.ADDED.value
    return Said.CHANGED.value if row.change else Said.UNCHANGED.value
