"""PostgreSQL: migrations and replicas."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tasks.doctor.problem import Problem
from tasks.statements import SQL

LAG_BYTES = 64 * 2**20
"""Of write-ahead log that a replica may be behind: four segments."""

SLOT_BYTES = 2**30
"""Of write-ahead log that a slot may keep for a replica that is away."""


def migrations() -> Iterator[Problem]:
    """Every migration has been applied."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in plan[:5])
        yield Problem(
            what=f"{len(plan)} migrations are missing: {names}{', …' if plan[5:] else ''}.",
            do="Run manage.py migrate.",
        )


def replication(*, lag_bytes: int = LAG_BYTES, slot_bytes: int = SLOT_BYTES) -> Iterator[Problem]:
    """PostgreSQL is a primary, and its replicas, if any, keep up."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        row = cursor.fetchone()
    if row and row[0]:
        yield Problem(
            what="DATABASE_URL leads to a replica, which takes no jobs.",
            do="Set DATABASE_URL to the primary.",
        )
        return
    for name, behind in SQL.fetch_all("replicas", {"bytes": lag_bytes}):
        yield Problem(
            what=f"The replica {name!r} is {behind / 2**20:.0f} MB of write-ahead log behind.",
            do="Look at its log, disk and network; after a fail-over to it that much is lost.",
        )
    for name, kept in SQL.fetch_all("idle_slots", {"bytes": slot_bytes}):
        yield Problem(
            what=f"Nobody uses the replication slot {name!r}, for which PostgreSQL keeps"
            f" {kept / 2**20:.0f} MB of write-ahead log.",
            do=f"Start its replica, or drop it: SELECT pg_drop_replication_slot('{name}').",
        )
