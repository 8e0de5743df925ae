"""Runs SQL that lives in files of its own, one statement a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection
from psycopg import Cursor

from tasks.conf import conf

Row = tuple[Any, ...]


class SqlFolder:
    """A package's folder of `.sql` files; a statement is called as its file is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.text = cache(self._read)

    def _read(self, name: str) -> str:
        return (self._folder / f"{name}.sql").read_text(encoding="utf-8")

    def run(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Run a statement that returns nothing."""
        with connection.cursor() as cursor:
            cursor.execute(self.text(name), parameters)

    def fetch_all(self, name: str, parameters: Mapping[str, Any]) -> Sequence[Row]:
        """Run a statement and return its rows."""
        with connection.cursor() as cursor:
            cursor.execute(self.text(name), parameters)
            rows: Sequence[Row] = cursor.fetchall()
            return rows

    def fetch_one(self, name: str, parameters: Mapping[str, Any]) -> Row | None:
        """Run a statement that returns at most one row."""
        with connection.cursor() as cursor:
            cursor.execute(self.text(name), parameters)
            row: Row | None = cursor.fetchone()
            return row

    def fetch_prepared(self, name: str, parameters: Mapping[str, Any]) -> Row | None:
        """`fetch_one` for the statements of every job: PostgreSQL parses and plans them once.

        Parameters go to the server apart from the text, so each needs a cast there. A PgBouncer in
        transaction mode must be of version 1.21 or newer, or `JOBS_PREPARE_STATEMENTS` off.
        """
        with self._prepared(name, parameters) as cursor:
            return cursor.fetchone()

    def fetch_all_prepared(self, name: str, parameters: Mapping[str, Any]) -> Sequence[Row]:
        """`fetch_all` in the same way."""
        with self._prepared(name, parameters) as cursor:
            return cursor.fetchall()

    @contextmanager
    def _prepared(self, name: str, parameters: Mapping[str, Any]) -> Iterator[Cursor[Row]]:
        connection.ensure_connection()
        connection.validate_no_broken_transaction()
        with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
            cursor.execute(self.text(name), parameters, prepare=conf().prepare_statements)
            yield cursor


SQL = SqlFolder(Path(__file__).with_name("sql"))
"""The platform's own statements."""
