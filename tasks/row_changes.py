"""What the current transaction has changed so far, row by row, however it was written.

    naive:  save signals        miss update(), bulk_create() and SQL
            triggers            lock every table against writers to be created
    here:   PostgreSQL says which tables were written to, and each row version says which
            transaction wrote it; a second connection still sees the row as it was

A row version's `xmin` names the transaction or savepoint that wrote it. Ours are the only ones that
we see while `pg_xact_status` says they are in progress. A table that was written to is read once
from end to end, some 0.3 s for a million rows, so this is for a person who waits, not for a loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from kombu.utils import json
from psycopg import sql

from tasks.statements import SQL

MOST_ROWS = 200
"""Of one table; whoever reads more than that reads none."""

MOST_CHARS = 300
"""Of one value."""

Values = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RowChange:
    """One row that is another now. `before` and `after` hold what differs, as JSON."""

    table: str
    key: str
    kind: str
    """inserted, updated or deleted."""

    before: Values
    after: Values


class Changes:
    """Begins to look when it is made, in a transaction that has not written yet."""

    def __init__(self) -> None:
        self._first = _number(connection)

    def rows(self) -> list[RowChange]:
        """By table and key; of each table at most `MOST_ROWS`."""
        with _outside() as outside:
            ours = {
                "first": self._first,
                "last": _number(outside),
                "xid": str(self._first % 2**32),
            }
            return [
                change
                for table, key, has_deleted in SQL.fetch_all("written_tables", {})
                for change in _changes(outside, table, key, ours, has_deleted=has_deleted)
            ]


def _changes(
    outside: BaseDatabaseWrapper, table: str, key: str, ours: Values, *, has_deleted: bool
) -> Iterator[RowChange]:
    now = _in_progress(connection, "xmin", table, key, ours)
    were = _by_key(outside, table, key, list(now))
    for pk in now:
        if change := _change(table, pk, were.get(pk), now[pk]):
            yield change
    if has_deleted:
        yield from _deleted(outside, table, key, ours)


def _deleted(
    outside: BaseDatabaseWrapper, table: str, key: str, ours: Values
) -> Iterator[RowChange]:
    """What was touched and isn't there any more."""
    touched = _in_progress(outside, "xmax", table, key, ours)
    still = _by_key(connection, table, key, list(touched))
    for pk in touched:
        if pk not in still:
            was = _short(touched[pk])
            yield RowChange(table=table, key=str(pk), kind="deleted", before=was, after={})


def _change(table: str, pk: Any, was: Values | None, now: Values) -> RowChange | None:
    """None for a row that was written as it was."""
    if was is None:
        return RowChange(table=table, key=str(pk), kind="inserted", before={}, after=_short(now))
    names = [name for name in now if now[name] != was.get(name)]
    if not names:
        return None
    return RowChange(
        table=table,
        key=str(pk),
        kind="updated",
        before=_short({name: was.get(name) for name in names}),
        after=_short({name: now[name] for name in names}),
    )


def _number(over: BaseDatabaseWrapper) -> int:
    with over.cursor() as cursor:
        cursor.execute(SQL.text("transaction_number"))
        return int(cursor.fetchone()[0])


def _in_progress(
    over: BaseDatabaseWrapper, writer: str, table: str, key: str, ours: Values
) -> dict[Any, Values]:
    names = {"table": table, "key": key, "writer": writer}
    return _read(over, "rows_in_progress", names, ours)


def _by_key(over: BaseDatabaseWrapper, table: str, key: str, keys: list[Any]) -> dict[Any, Values]:
    names = {"table": table, "key": key}
    return _read(over, "rows_by_key", names, {"keys": keys}) if keys else {}


def _read(
    over: BaseDatabaseWrapper, statement: str, names: dict[str, str], parameters: Values
) -> dict[Any, Values]:
    """Rows by their key."""
    quoted = {name: sql.Identifier(value) for name, value in names.items()}
    with over.cursor() as cursor:
        cursor.execute(
            sql.SQL(SQL.text(statement)).format(**quoted), {**parameters, "most": MOST_ROWS}
        )
        return {pk: json.loads(values) for pk, values in cursor.fetchall()}


def _short(values: Values) -> Values:
    return {name: _cut(value) for name, value in values.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MOST_CHARS:
        return f"{value[:MOST_CHARS]}…"
    return value


@contextmanager
def _outside() -> Iterator[BaseDatabaseWrapper]:
    """A connection of its own, which sees nothing of this transaction."""
    other = connection.copy()
    try:
        yield other
    finally:
        other.close()
