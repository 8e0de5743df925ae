"""Every row of the database, to be compared with those of later."""

from __future__ import annotations

from django.db import connection

AUDIT_LOG = "tasks_auditentry"


def dump(*, without: frozenset[str] = frozenset({AUDIT_LOG})) -> dict[str, list[str]]:
    """Rows as text, by table."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor)) - without
        found = {}
        for table in sorted(tables):
            cursor.execute(f'SELECT t::text FROM "{table}" AS t ORDER BY 1')
            found[table] = [row[0] for row in cursor.fetchall()]
        return found
