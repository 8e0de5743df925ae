"""Sees every change of an order's and a payment's state in the database itself, whoever made it.

Triggers note each change and each event of the timeline with the transaction they are part of. So
a change that no event tells of, or whose event names nobody, can't hide.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

WATCH = """
CREATE TABLE witness_change (what text, order_id bigint, was text, became text, tx xid8);
CREATE TABLE witness_event (event_id bigint, order_id bigint, tx xid8);
CREATE FUNCTION witness_order() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO witness_change VALUES (
    'order', NEW.id, CASE TG_OP WHEN 'UPDATE' THEN OLD.state ELSE '' END, NEW.state,
    pg_current_xact_id()
  );
  RETURN NULL;
END $$;
CREATE FUNCTION witness_payment() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO witness_change VALUES (
    'payment', NEW.order_id, CASE TG_OP WHEN 'UPDATE' THEN OLD.state ELSE '' END, NEW.state,
    pg_current_xact_id()
  );
  RETURN NULL;
END $$;
CREATE FUNCTION witness_event() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO witness_event VALUES (NEW.id, NEW.order_id, pg_current_xact_id());
  RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER INSERT OR UPDATE ON orders_order
  FOR EACH ROW EXECUTE FUNCTION witness_order();
CREATE TRIGGER witness AFTER INSERT OR UPDATE ON orders_payment
  FOR EACH ROW EXECUTE FUNCTION witness_payment();
CREATE TRIGGER witness AFTER INSERT ON orders_orderevent
  FOR EACH ROW EXECUTE FUNCTION witness_event();
"""
LEAVE = """
DROP FUNCTION witness_order, witness_payment, witness_event CASCADE;
DROP TABLE witness_change, witness_event;
"""

CHANGES = """
SELECT DISTINCT what, was, became FROM witness_change WHERE was <> became
"""
UNEXPLAINED = """
SELECT c.what, c.order_id, c.was, c.became
FROM witness_change AS c
WHERE c.was <> c.became AND NOT EXISTS (
  SELECT FROM witness_event AS w
  JOIN orders_orderevent AS e ON e.id = w.event_id
  WHERE w.tx = c.tx AND w.order_id = c.order_id AND (e.job_id IS NOT NULL OR e.actor <> '')
)
"""


@contextmanager
def watching() -> Iterator[None]:
    _run(WATCH)
    try:
        yield
    finally:
        _run(LEAVE)


def changes() -> set[tuple[str, str, str]]:
    """The kinds of changes that were seen: ("order", "placed", "reserved")."""
    return set(_fetch(CHANGES))


def unexplained() -> list[tuple[str, int, str, str]]:
    """Changes without an event, in their own transaction, that names a job or a person."""
    return _fetch(UNEXPLAINED)


def _run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _fetch(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
