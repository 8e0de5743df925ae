"""What a dry run can't escape, and what it doesn't escape: ways out, limits, and odd bodies."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from celery import chain
from django.db import connection, transaction
from django.utils import timezone

from stack.services import Services
from tasks import dry_run as dry_runs
from tasks import row_changes, undoing
from tasks.conf import conf
from tasks.dry_run import DryRun, Ending, dry_run
from tasks.models import Job, JobState, PausedQueue
from tasks.stage import Stage
from tasks.undoing import undone
from tests.dumping import dump
from tests.tasks import rehearsed_tasks as tasks
from tests.tasks.rehearsed_tasks import dead, retry
from tests.tasks.sample_tasks import marks, note

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept_connection() -> Iterator[None]:
    """A connection to somebody that was open before the dry run."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as kept,
    ):
        tasks.KEPT[:] = [kept]
        yield


def try_out(job_id: UUID) -> DryRun:
    """A dry run that changes nothing."""
    before = dump()
    found = dry_run(job_id, actor="user:3")
    assert dump() == before
    assert not connection.in_atomic_block
    return found


def test_given_durable_blocks_and_survived_errors_then_it_shows_what_the_retry_does() -> None:
    for queue in ("stock", "email"):
        PausedQueue.objects.create(queue=queue, paused_by="user:3", reason="full")
    job_id = dead(tasks.write_apart)

    found = try_out(job_id)

    assert (found.ending, found.error, found.notes) == (Ending.SUCCEEDED, "", ())
    assert {(row.kind, row.key) for row in found.rows} == {
        ("inserted", "new"),
        ("updated", "stock"),
        ("deleted", "email"),
    }
    retry(tasks.write_apart, job_id)
    assert dict(PausedQueue.objects.values_list("queue", "reason")) == {"new": "", "stock": "raw"}


def test_nothing_is_published_and_no_key_is_written(empty_services: Services) -> None:
    job_id = dead(tasks.write)
    with empty_services.redis.client() as client, client.pubsub() as ear:
        ear.subscribe(conf().wake_channel)
        assert ear.get_message(timeout=5)["type"] == "subscribe"
        before = sorted(client.keys())
        dry_run(job_id, actor="user:3")
        client.publish(conf().wake_channel, "the end")
        assert ear.get_message(timeout=5)["data"] in ("the end", b"the end")
        assert sorted(client.keys()) == before


def test_what_would_leave_past_the_effects_is_refused_and_named(kept_connection: None) -> None:
    for how, sentence in (
        ("http", "connect to 127.0.0.1:1"),
        ("name", "connect to provider.example:80"),
        ("smtp", "connect to 127.0.0.1:1"),
        ("program", "start true"),
        ("thread", "start a thread"),
        ("connection", "open another connection"),
        ("kept", "send to ('127.0.0.1', "),
        ("commit", "end a transaction by itself"),
        ("disguised commit", "ended its transaction by itself"),
    ):
        found = try_out(dead(tasks.reach, how))
        assert found.ending == Ending.UNKNOWN
        assert sentence in found.error


def test_a_task_that_catches_everything_does_not_go_on() -> None:
    found = try_out(dead(tasks.swallow))
    assert (found.ending, found.rows) == (Ending.UNKNOWN, ())
    assert marks("swallowed") == 0


def test_postgresql_itself_refuses_to_commit_a_dry_run() -> None:
    before = dump()
    with undone(Stage()):
        PausedQueue.objects.create(queue="stock", paused_by="user:3")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.connection.execute("COMMIT")
    assert dump() == before


def test_a_body_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_runs, "LIMIT_S", 0.2)
    for task in (tasks.spin, tasks.ask_on):
        found = try_out(dead(task))
        assert (found.ending, found.error) == (
            Ending.UNKNOWN,
            "It takes longer than 0.2 s, too long for a dry run.",
        )


def test_a_statement_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undoing, "STATEMENT_S", 0.2)
    found = try_out(dead(tasks.sleep, 30))
    assert found.ending == Ending.UNKNOWN
    assert "a statement takes too long" in found.error


def test_a_session_that_does_nothing_for_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undoing, "IDLE_S", 0.2)
    found = try_out(dead(tasks.spin))
    assert (found.ending, found.rows) == (Ending.UNKNOWN, ())


def test_a_row_that_somebody_holds_is_not_waited_for(services: Services) -> None:
    PausedQueue.objects.create(queue="stock", paused_by="user:3")
    job_id = dead(tasks.write)
    server, name = services.postgres.url.rpartition("/")[0], connection.settings_dict["NAME"]
    with psycopg.connect(f"{server}/{name}") as other:
        other.execute("SELECT 1 FROM tasks_pausedqueue FOR UPDATE")
        found = dry_run(job_id, actor="user:3")
    assert found.ending == Ending.UNKNOWN
    assert "somebody else holds a row" in found.error


def test_a_foreign_key_that_breaks_at_the_commit_is_noticed() -> None:
    found = try_out(dead(tasks.dangle))
    assert found.ending == Ending.RETRIED
    assert "auth_user_groups" in found.error


def test_a_job_past_its_deadline_would_be_dead_again() -> None:
    job_id = dead(tasks.fail_soon)
    assert try_out(job_id).ending == Ending.RETRIED
    Job.objects.filter(pk=job_id).update(created_at=timezone.now() - timedelta(hours=2))
    assert try_out(job_id).ending == Ending.DEAD


def test_what_follows_a_job_is_shown_too() -> None:
    chain(tasks.look.si(), note.si("next")).apply_async()
    job_id = Job.objects.get(task="rehearsed.look").pk
    Job.objects.filter(pk=job_id).update(state=JobState.DEAD, attempt=3)
    found = try_out(job_id)
    assert found.result == [str(job_id), 4, str(job_id), 0]
    assert [job.task for job in found.jobs] == ["sample.note"]


def test_a_live_job_with_the_same_unique_key_is_told() -> None:
    job_id = dead(tasks.write)
    Job.objects.filter(pk=job_id).update(unique_key="one")
    note.apply_async(("b",), unique_key="one")
    [sentence] = try_out(job_id).notes
    assert "has its unique key" in sentence


def test_many_rows_are_counted_and_not_all_shown() -> None:
    found = try_out(dead(tasks.many, 150))
    assert len(found.rows) == row_changes.MOST_ROWS
    assert found.notes == ("50 more rows of tasks_pausedqueue change.",)


def test_secrets_are_not_shown() -> None:
    found = try_out(dead(tasks.make_user))
    [user] = [row for row in found.rows if row.table == "auth_user"]
    assert (user.after["username"], user.after["password"]) == ("eve", "(hidden)")


def test_given_a_transaction_then_it_is_refused() -> None:
    job_id = dead(tasks.write)
    with transaction.atomic(), pytest.raises(RuntimeError):
        dry_run(job_id, actor="user:3")
