from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from stack.postgres import binaries
from stack.services import Services
from stack.waiting import wait_until
from tasks.doctor import database
from tests.tasks.doctor.conftest import said
from tests.tasks.sample_tasks import mark

pytestmark = pytest.mark.django_db


def test_a_sound_database_has_no_problem() -> None:
    assert said(database.migrations()) == ""
    assert said(database.replication()) == ""


def test_a_missing_migration() -> None:
    MigrationRecorder(connection).migration_qs.filter(app="tasks").latest("id").delete()
    found = said(database.migrations())
    assert "1 migrations are missing: tasks.0" in found
    assert "manage.py migrate" in found


def write_much() -> None:
    for _ in range(50):
        mark("x" * 100)


@pytest.mark.django_db(transaction=True)
def test_a_slot_that_nobody_uses() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_create_physical_replication_slot('away', true)")
        try:
            write_much()
            assert "slot 'away'" in said(database.replication(slot_bytes=1000))
            assert said(database.replication()) == ""
        finally:
            cursor.execute("SELECT pg_drop_replication_slot('away')")


@pytest.mark.django_db(transaction=True)
def test_a_replica_that_is_behind(services: Services, tmp_path: Path) -> None:
    """It stands still: a receiver of the log that was stopped."""
    postgres = services.postgres
    tmp_path.chmod(0o755)
    receiver = subprocess.Popen(
        [
            *(binaries() / "pg_receivewal", "--directory", str(tmp_path), "--no-loop"),
            *("--dbname", postgres.url_of("postgres") + "?application_name=standby"),
        ],
        stderr=subprocess.PIPE,
    )
    try:
        wait_until(replicas, timeout_s=20, what="the replica")
        receiver.send_signal(signal.SIGSTOP)
        write_much()
        assert "replica 'standby' is" in said(database.replication(lag_bytes=1000))
    finally:
        receiver.send_signal(signal.SIGCONT)
        receiver.terminate()
        receiver.communicate(timeout=20)


def replicas() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
        return bool(cursor.fetchone()[0])
