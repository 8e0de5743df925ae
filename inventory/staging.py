"""A feed's rows, kept as they come, so that what was fetched once need not be fetched again.

They go to PostgreSQL by COPY, some thousands at a time. So memory holds one batch however long the
feed is, no transaction is open while a supplier is slow, and everything that follows is set-based.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from django.db import connection, transaction

from inventory import runs
from inventory.conf import conf
from inventory.feeds import BadRow, Feed, FeedRow
from inventory.models import Supplier, SyncRow, SyncRun
from inventory.progress import Tell
from inventory.statements import SQL

BATCH = 20_000  # rows a transaction: some 10 MB of them, a fraction of a second

COPY = (
    "COPY inventory_syncrow (run_id, number, line, sku, quantity, as_of, error) "
    "FROM STDIN WITH (FORMAT BINARY)"
)
TYPES = ("int8", "int4", "int4", "varchar", "int8", "timestamptz", "varchar")
MAX_LINE = 2**31 - 1

Values = tuple[int, int, int, str, int | None, datetime | None, str]


def stage(feed: Feed, run: SyncRun, tell: Tell) -> None:
    """Keep all rows of the feed. Raises the feed's errors and `RunEnded`."""
    with transaction.atomic():
        runs.stage_anew(run)
        SyncRow.objects.filter(run=run).delete()
    runs.expect(run, rows_total=feed.total)
    values = _values(feed.rows, run.pk)
    staged = 0
    while batch := list(islice(values, BATCH)):
        with transaction.atomic():
            runs.stage(run, rows=len(batch))
            _copy(batch)
        staged += len(batch)
        tell(runs.Phase.FETCH, staged, max(staged, feed.total))
    runs.fetched(run)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE inventory_syncrow")  # what follows is planned by what it finds


def forget_old(supplier: Supplier) -> None:
    """Delete the rows of all but the supplier's newest ended runs."""
    SQL.run("forget_rows", {"supplier_id": supplier.pk, "keep": conf().keep_runs})


def _values(rows: Iterator[FeedRow | BadRow], run_id: int) -> Iterator[Values]:
    for number, row in enumerate(rows, start=1):
        line = min(row.line, MAX_LINE)
        if isinstance(row, FeedRow):
            yield run_id, number, line, row.sku, row.quantity, row.as_of, ""
        else:
            reason = _storable(row.reason)[:300] or "it can't be used"
            yield run_id, number, line, _storable(row.sku)[:80], None, None, reason


def _storable(text: str) -> str:
    """Without what PostgreSQL refuses: NUL, and bytes that were no UTF-8."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _copy(batch: Sequence[Values]) -> None:
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(TYPES)
        for values in batch:
            copy.write_row(values)
