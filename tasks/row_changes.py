"""Which rows a transaction has written, before it is rolled back: exactly, however it wrote them.

    naive:  watch Django's signals, or read the SQL      raw SQL, update() and triggers escape
    here:   ask PostgreSQL which row versions are ours   nothing escapes

Each row version carries the number of the transaction, or savepoint, that wrote it (`xmin`) and
that did away with it (`xmax`). Ours lie between the transaction's own and that of a last savepoint,
and are in progress: a row like that which we see is ours, since nobody sees what others haven't
finished. The tables are those that we hold a writer's lock on. What was there before is read by a
second connection, which sees the rows as everybody else does; while we hold them nobody changes
them. A row that it still sees and we don't is deleted.

There is no index on `xmin`, so a table with updated rows is read through once. When rows were
only inserted, they mostly are the ones with the newest keys, and those are looked at first.
docs/decisions/0064-what-a-dry-run-can-not-escape.md has the figures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from tasks.statements import SQL

MOST_ROWS = 100
"""Of one table; whoever reads more than that reads none."""

MOST_CHARS = 300
"""Of one value."""

SECRET = re.compile(r"password|passwd|secret|token|credential|session_data", re.IGNORECASE)
"""Columns whose values nobody is shown."""

NEWEST = 5000
"""So many of the newest keys are looked at first: some milliseconds."""

SCAN_S = 2.0
"""A table that takes longer to read through is left out, with a note: some million rows."""

_LIMITS = {"statement_s": SCAN_S, "lock_s": SCAN_S, "idle_s": 5 * SCAN_S}

Row = dict[str, Any]
Numbers = tuple[str, str]
Counts = Sequence[Any]
Pair = tuple[Row | None, Row | None]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with what the transaction did to it."""

    schema: str
    name: str
    key: tuple[str, ...]
    """The primary key's columns."""
    inserted: int
    updated: int
    deleted: int

    def key_of(self, row: Row) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in self.key)


@dataclass(frozen=True, kw_only=True)
class RowChange:
    """One row that is another now. `before` and `after` hold what differs, as JSON."""

    table: str
    key: str
    kind: str
    """inserted, updated or deleted."""

    before: Row
    after: Row


class Changes:
    """Begins to look when it is made, in a transaction that has not written yet."""

    def __init__(self) -> None:
        self._before = {row[0]: row[1:] for row in SQL.fetch_all("dry_run_counts", {})}
        self.notes: list[str] = []
        """What is missing in the rows."""

    def rows(self) -> list[RowChange]:
        """By table and key; of each table at most `MOST_ROWS`."""
        tables = list(_tables(self._before))
        if not tables:
            return []
        SQL.run("dry_run_limits", _LIMITS)
        numbers = _numbers()
        with _outside() as others:
            return [change for table in tables for change in self._read(table, numbers, others)]

    def _read(
        self, table: Table, numbers: Numbers, others: BaseDatabaseWrapper
    ) -> Iterator[RowChange]:
        try:
            with transaction.atomic():
                pairs, left_off = _pairs(table, numbers, others)
        except DatabaseError:
            others.rollback()
            self.notes.append(f"Rows of {table.name} change too; it is too large to find which.")
            return
        if left_off > 0:
            self.notes.append(f"{left_off:,} more rows of {table.name} change.")
        for before, after in pairs:
            if change := _change(table, before, after):
                yield change


def _tables(before: Mapping[int, Counts]) -> Iterator[Table]:
    for oid, schema, name, key, now in SQL.fetch_all("dry_run_tables", {}):
        earlier = before.get(oid, (0, 0, 0))
        inserted, updated, deleted = (
            (1, 1, 1) if now is None else (n - m for n, m in zip(now, earlier, strict=True))
        )
        if inserted or updated or deleted:
            yield Table(
                schema=schema,
                name=name,
                key=tuple(key),
                inserted=inserted,
                updated=updated,
                deleted=deleted,
            )


def _numbers() -> Numbers:
    """The first and the last of ours."""
    with transaction.atomic():
        [(first, last)] = SQL.fetch_all("dry_run_numbers", {})
    return first, last


@contextmanager
def _outside() -> Iterator[BaseDatabaseWrapper]:
    """A second connection, in a transaction that only reads."""
    with closing(connection.copy()) as others:
        others.set_autocommit(False)
        with others.cursor() as cursor:
            cursor.execute(SQL.text("dry_run_limits"), _LIMITS)
        yield others
        others.rollback()


def _pairs(table: Table, numbers: Numbers, others: BaseDatabaseWrapper) -> tuple[list[Pair], int]:
    """Each row before and after, and how many there are more."""
    after, written = _written(table, numbers)
    known = {table.key_of(row): row for row in _found(others, table, after)}
    pairs: list[Pair] = [
        (known.get(table.key_of(row)) if table.key else None, row) for row in after
    ]
    gone, removed = _gone(table, numbers, others)
    pairs += [(row, None) for row in gone]
    return pairs, written + removed - len(pairs)


def _written(table: Table, numbers: Numbers) -> tuple[list[Row], int]:
    if table.key and not table.updated:
        rows, total = _by_number(connection, table, "xmin", numbers, newest=True)
        if total == table.inserted:
            return rows[::-1], total
    return _by_number(connection, table, "xmin", numbers)


def _gone(table: Table, numbers: Numbers, others: BaseDatabaseWrapper) -> tuple[list[Row], int]:
    """Rows that others still see and we don't, and how many there may be."""
    if not (table.deleted or (table.updated and not table.key)):
        return [], 0
    rows, _ = _by_number(others, table, "xmax", numbers)
    if table.key:
        here = {table.key_of(row) for row in _found(connection, table, rows)}
        # Looked at again: somebody else may have deleted one before we looked, and committed.
        rows = [row for row in _found(others, table, rows) if table.key_of(row) not in here]
    return rows, max(len(rows), table.deleted) if len(rows) == MOST_ROWS else len(rows)


def _by_number(
    asked: Any, table: Table, number: str, numbers: Numbers, *, newest: bool = False
) -> tuple[list[Row], int]:
    bound = _newest(table) if newest else sql.SQL("")
    statement = sql.SQL(_text("dry_run_rows")).format(
        table=_name(table), number=sql.Identifier(number), bound=bound
    )
    first, last = numbers
    rows = _ask(asked, statement, {"first": first, "last": last, "limit": MOST_ROWS})
    return [_parsed(row[0]) for row in rows], rows[0][1] if rows else 0


def _newest(table: Table) -> sql.Composable:
    order = sql.SQL(", ").join(sql.SQL("t.{} DESC").format(sql.Identifier(k)) for k in table.key)
    return sql.SQL("ORDER BY {} LIMIT {}").format(order, sql.Literal(NEWEST))


def _found(asked: Any, table: Table, rows: Sequence[Row]) -> list[Row]:
    """The same rows as the one who is asked sees them."""
    if not rows or not table.key:
        return []
    keys = [{name: row[name] for name in table.key} for row in rows]
    key = sql.SQL(", ").join(map(sql.Identifier, table.key))
    statement = sql.SQL(_text("dry_run_found")).format(table=_name(table), key=key)
    return [_parsed(row[0]) for row in _ask(asked, statement, {"keys": json.dumps(keys)})]


def _ask(
    asked: Any, statement: sql.Composable, parameters: dict[str, Any]
) -> list[tuple[Any, ...]]:
    with asked.cursor() as cursor:
        cursor.execute(statement.as_string(asked.connection), parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _name(table: Table) -> sql.Identifier:
    return sql.Identifier(table.schema, table.name)


def _text(name: str) -> Any:
    """A file of ours, and so as safe as a literal. Its comments are no part of the template."""
    lines = SQL.text(name).splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


def _parsed(text: str) -> Row:
    """Decimals stay as they are written."""
    row: Row = json.loads(text, parse_float=str)
    return row


def _change(table: Table, before: Row | None, after: Row | None) -> RowChange | None:
    """None for a row that was written as it was."""
    kind = "inserted" if before is None else "deleted" if after is None else "updated"
    names = list(after or before or {})
    if before and after:
        names = [name for name in names if before.get(name) != after[name]]
        if not names:
            return None
    return RowChange(
        table=table.name,
        key=", ".join(table.key_of(after or before or {})),
        kind=kind,
        before=_short(before, names),
        after=_short(after, names),
    )


def _short(row: Row | None, names: list[str]) -> Row:
    return {name: _cut(name, row[name]) for name in names if name in row} if row else {}


def _cut(name: str, value: Any) -> Any:
    if value and SECRET.search(name):
        return "(hidden)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}…"
