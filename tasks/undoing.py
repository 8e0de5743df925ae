"""The transaction of a dry run: it ends in a rollback whatever happens, and soon.

    an operator's click must not hold up the shop   time limits
    nothing may commit it, not even a raw COMMIT    refused; and a deferred constraint is broken
    the body has transactions of its own            savepoints, as in Django's TestCase
    the body is in none, and survives an error      a savepoint around each of those statements

PostgreSQL checks a deferred constraint at the commit, so breaking one at the start makes PostgreSQL
itself refuse to commit, however that came about. A session that stays idle in the transaction is
ended by PostgreSQL, so a body that computes for ever holds no row for long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any

import psycopg
from django.db import connection, transaction
from django.db.transaction import Atomic

from tasks.stage import Stage
from tasks.statements import SQL

STATEMENT_S = 5.0
LOCK_S = 1.0
"""For a row that somebody else has locked; the shop's own transactions take milliseconds."""

IDLE_S = 5.0

Execute = Callable[[Any, Any, bool, Any], Any]

ENDING = re.compile(
    r"(?:^|;)\s*(?:COMMIT|ABORT|ROLLBACK(?!\s+TO)|BEGIN|START\s+TRANSACTION|PREPARE\s+TRANSACTION)\b"
    r"|^\s*END\b",
    re.IGNORECASE,
)
SAVEPOINT = re.compile(r"\s*(SAVEPOINT|RELEASE|ROLLBACK TO)\b", re.IGNORECASE)


class Statements:
    """Wraps every statement of the job's body (`connection.execute_wrapper`)."""

    def __init__(self, stage: Stage, block: Atomic) -> None:
        self._stage = stage
        self._block = block

    def watched(self) -> AbstractContextManager[Any]:
        """From now on every statement passes here."""
        return connection.execute_wrapper(self)

    def __call__(
        self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        if SAVEPOINT.match(str(sql)):  # how a block ends; it must end even now
            return execute(sql, params, many, context)
        self._stage.check()
        if ENDING.search(str(sql)):
            self._stage.stop("It would now begin or end a transaction by itself.")
        watched = partial(self._watch, execute)
        if connection.atomic_blocks[-1] is self._block:
            return _alone(watched, sql, params, many, context)
        _give_savepoint()
        return watched(sql, params, many, context)

    def _watch(self, execute: Execute, *statement: Any) -> Any:
        """After the end of our transaction the driver would begin one that can be committed."""
        try:
            return execute(*statement)
        finally:
            status = connection.connection.info.transaction_status
            if status == psycopg.pq.TransactionStatus.IDLE:
                self._stage.stop("It has ended its transaction by itself.")


@contextmanager
def undone(stage: Stage) -> Iterator[Statements]:
    """A transaction that is rolled back at the end. Raises RuntimeError inside of another one."""
    block = transaction.atomic(durable=True)
    # Durable blocks may start inside of it, as in the transaction of Django's TestCase.
    vars(block)["_from_testcase"] = True
    with block:
        SQL.run("dry_run_limits", {"statement_s": STATEMENT_S, "lock_s": LOCK_S, "idle_s": IDLE_S})
        SQL.run("dry_run_never_commits", {})
        yield Statements(stage, block)
        transaction.set_rollback(True)


def _alone(execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """A statement outside of all transactions: its error takes back nothing but itself."""
    connection.needs_rollback = False
    server: psycopg.Connection[Any] = connection.connection
    server.execute("SAVEPOINT dry_run_statement")
    try:
        answer = execute(sql, params, many, context)
    except BaseException:
        with suppress(psycopg.Error):  # the session may be gone
            server.execute("ROLLBACK TO SAVEPOINT dry_run_statement")
        raise
    finally:
        with suppress(psycopg.Error):
            server.execute("RELEASE SAVEPOINT dry_run_statement")
    return answer


def _give_savepoint() -> None:
    """To the outermost block, if it wants none: without us it were a transaction of its own."""
    if not connection.savepoint_ids[0]:
        connection.needs_rollback = False
        connection.savepoint_ids[0] = connection.savepoint() or ""


def check_constraints() -> None:
    """What PostgreSQL would check at the commit, such as foreign keys. Raises `IntegrityError`."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM dry_run_never_commits")
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)
