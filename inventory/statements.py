"""The inventory's SQL statements, one a file in `inventory/sql/`."""

from __future__ import annotations

from pathlib import Path

from tasks.statements import SqlFolder

SQL = SqlFolder(Path(__file__).with_name("sql"))
