from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from celery import chain, chord, group
from celery.exceptions import QueueNotFound
from django.db import connection, transaction
from django.utils import timezone

from tasks import jobs
from tasks.context import calling
from tasks.enqueue import enqueue_many
from tasks.errors import BadArguments, NotSupported
from tasks.models import Job, JobState
from tests.tasks.sample_tasks import add, note

pytestmark = pytest.mark.django_db

Call = tuple[tuple[object, ...], dict[str, object]]


def job_of(result: object) -> Job:
    return Job.objects.get(pk=result.id)  # type: ignore[attr-defined]


def test_delay_writes_one_scheduled_job() -> None:
    job = job_of(add.delay(1, right=2))
    assert (job.task, job.queue, job.state) == ("sample.add", "default", JobState.SCHEDULED)
    assert (job.args, job.kwargs, job.attempt) == ([1], {"right": 2}, 0)


@pytest.mark.django_db(transaction=True)
def test_no_commit_no_job() -> None:
    with transaction.atomic():
        add.delay(1, 2)
        transaction.set_rollback(True)
    assert not Job.objects.exists()


def test_arguments_that_do_not_fit_fail_at_the_call() -> None:
    with pytest.raises(TypeError):
        add.delay(1)
    with pytest.raises(TypeError):
        add.delay(1, 2, three=3)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), object(), "nul \0 byte", "x" * 70_000, b"\xff\xfe".hex]
)
def test_arguments_that_can_not_be_stored_fail_at_the_call(value: object) -> None:
    with pytest.raises(BadArguments):
        note.delay(value)
    assert not Job.objects.exists()  # and the transaction still works


def test_dates_and_ids_come_back_as_themselves() -> None:
    moment, name = datetime(2026, 5, 4, 3, 2, tzinfo=UTC), uuid4()
    job = job_of(note.delay({"at": moment, "id": name}))
    assert job.args == [{"at": moment, "id": name}]


def test_countdown_eta_and_expires_are_columns() -> None:
    soon = job_of(note.apply_async(("a",), countdown=60, expires=120))
    at = timezone.now() + timedelta(hours=1)
    later = job_of(note.apply_async(("b",), eta=at, expires=at + timedelta(hours=1)))
    assert 55 < (soon.run_at - timezone.now()).total_seconds() < 61
    assert soon.expires_at is not None
    assert 115 < (soon.expires_at - timezone.now()).total_seconds() < 121
    assert (later.run_at, later.expires_at) == (at, at + timedelta(hours=1))
    with pytest.raises(ValueError, match="not both"):
        note.apply_async(("c",), countdown=1, eta=at)


def test_queue_and_priority_are_checked() -> None:
    job = job_of(note.apply_async(("a",), queue="email", priority=9))
    assert (job.queue, job.priority) == ("email", 9)
    with pytest.raises(QueueNotFound):
        note.apply_async(("a",), queue="emial")
    with pytest.raises(ValueError, match="priority"):
        note.apply_async(("a",), priority=10)


def test_an_unknown_option_is_no_secret() -> None:
    with pytest.raises(TypeError, match="uniqe_key"):
        note.apply_async(("a",), uniqe_key="typo")


def test_a_task_id_is_the_jobs_and_twice_is_once() -> None:
    given = str(uuid4())
    assert note.apply_async(("a",), task_id=given).id == given
    assert note.apply_async(("a",), task_id=given).id == given
    assert Job.objects.count() == 1
    with pytest.raises(ValueError, match="UUID"):
        note.apply_async(("a",), task_id="my id")


def test_a_unique_key_counts_while_its_job_lives() -> None:
    first = note.apply_async(("a",), unique_key="k")
    assert note.apply_async(("b",), unique_key="k").id == first.id
    assert jobs.cancel(UUID(first.id))
    assert note.apply_async(("c",), unique_key="k").id != first.id


@pytest.mark.django_db(transaction=True)
def test_of_many_that_enqueue_a_unique_job_at_once_one_does() -> None:
    found: list[str] = []

    def enqueue() -> None:
        with transaction.atomic():
            found.append(note.apply_async(("a",), unique_key="k").id)
        connection.close()

    threads = [threading.Thread(target=enqueue) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert Job.objects.count() == 1


def test_a_slot_is_filled_once_for_ever() -> None:
    first = note.apply_async(("a",), slot="hourly@12")
    jobs.cancel(UUID(first.id))
    assert note.apply_async(("a",), slot="hourly@12").id == first.id
    assert Job.objects.count() == 1


def test_many_jobs_are_one_statement(django_assert_num_queries: object) -> None:
    calls: list[Call] = [((n, n), {}) for n in range(500)]
    with django_assert_num_queries(1):  # type: ignore[operator]
        ids = enqueue_many(add, calls, priority=3, tags=["bulk"])
    stored = Job.objects.in_bulk(ids)
    assert [stored[pk].args for pk in ids] == [[n, n] for n in range(500)]
    assert {(job.priority, *job.tags) for job in stored.values()} == {(3, "bulk")}


def test_many_jobs_are_checked_like_one() -> None:
    with pytest.raises(TypeError):
        enqueue_many(add, [((1, 2), {}), ((1,), {})])
    with pytest.raises(NotSupported):
        enqueue_many(add, [((1, 2), {})], unique_key="k")
    assert enqueue_many(add, []) == []
    assert not Job.objects.exists()


def test_who_asked_is_on_the_job() -> None:
    with calling(name="user:7", correlation_id="req-1"):
        job = job_of(note.delay("a"))
    assert (job.enqueued_by, job.correlation_id) == ("user:7", "req-1")


def test_a_chain_starts_with_its_first_job_and_keeps_the_rest() -> None:
    result = chain(add.s(1, 2), add.s(3), add.s(4))()
    (job,) = Job.objects.all()
    assert job.args == [1, 2]
    assert job.options is not None
    assert len(job.options["chain"]) == 2
    assert result.id != str(job.id)  # the result is the last job's, which is yet to come


def test_a_group_is_its_jobs() -> None:
    group(add.s(n, n) for n in range(3))()
    assert sorted(Job.objects.values_list("args", flat=True)) == [[0, 0], [1, 1], [2, 2]]


def test_a_chord_is_refused_with_a_reason() -> None:
    with pytest.raises(NotImplementedError, match=r"[Cc]hord"):  # Celery's own, without a backend
        chord([add.s(1, 1), add.s(2, 2)])(note.s())
    with pytest.raises(NotSupported, match="chord"):  # ours, with one
        add.apply_async((1, 1), chord=note.s())
    assert not Job.objects.exists()


def test_a_call_outside_a_worker_is_a_plain_call() -> None:
    assert add(1, 2) == 3
    assert not Job.objects.exists()
