"""Loads the SQL of `tasks/sql/`, one statement a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection
from psycopg import Cursor

from tasks.conf import conf

FOLDER = Path(__file__).with_name("sql")


@cache
def statement(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def fetch_all(name: str, parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
    """Run a statement and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement(name), parameters)
        rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
        return rows


def fetch_prepared(name: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """`fetch_one` for the statements of every job: PostgreSQL parses and plans them once.

    Parameters go to the server apart from the text, so each needs a cast there. A PgBouncer in
    transaction mode must be of version 1.21 or newer, or `JOBS_PREPARE_STATEMENTS` off.
    """
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.execute(statement(name), parameters, prepare=conf().prepare_statements)
        return cursor.fetchone()


def fetch_one(name: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Run a statement that returns at most one row."""
    with connection.cursor() as cursor:
        cursor.execute(statement(name), parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row
