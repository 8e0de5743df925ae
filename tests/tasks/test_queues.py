"""A paused queue: nothing of it starts, nothing of it is lost, and nobody else waits for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from celery.app import app_or_default
from django.db import connection, transaction

from tasks import jobs, queues
from tasks.dispatcher import Dispatcher
from tasks.errors import NotConfirmed, UnknownQueue
from tasks.models import Attempt, AuditEntry, Job, JobState, PausedQueue
from tests.running import Runner, waiting
from tests.tasks import sample_tasks
from tests.tasks.conftest import QUICK, WaitUntil
from tests.tasks.running_jobs import queued, running, scheduled, state_of
from tests.tasks.sample_tasks import marks, note

pytestmark = pytest.mark.django_db


def pause() -> None:
    assert queues.pause(queue="default", actor="user:3", reason="repairs")


def resume() -> None:
    assert queues.resume(queue="default", actor="user:3")


def in_a_thread(work: Callable[[], None]) -> Callable[[], None]:
    """With a database connection of its own, closed at its end."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    return run


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def test_a_pause_is_done_once_and_on_record() -> None:
    pause()
    assert not queues.pause(queue="default", actor="user:4")
    resume()
    assert not queues.resume(queue="default", actor="user:4")
    entries = AuditEntry.objects.order_by("pk").values_list("action", "actor", "reason")
    assert list(entries) == [
        ("queue.pause", "user:3", "repairs"),
        ("queue.resume", "user:3", ""),
    ]


def test_a_queue_that_nobody_knows_is_not_paused_nor_purged() -> None:
    with pytest.raises(UnknownQueue, match="checkout, default"):
        queues.pause(queue="defualt", actor="user:3")
    with pytest.raises(UnknownQueue):
        queues.purge(queue="defualt", confirm="defualt", actor="user:3")


def test_due_jobs_of_a_paused_queue_are_set_aside_and_others_go() -> None:
    pause()
    held, other = scheduled(), scheduled(queue="email")
    assert [each.id for each in jobs.take_due(batch=1)] == []
    assert [each.id for each in jobs.take_due(batch=1)] == [other]
    row = Job.objects.get(pk=held)
    assert (row.state, row.held, row.queued_at) == (JobState.SCHEDULED, True, None)
    resume()
    assert [each.id for each in jobs.take_due(batch=9)] == [held]


def test_queued_jobs_are_set_aside_and_their_messages_find_nothing() -> None:
    job_id = queued()
    pause()
    assert state_of(job_id) == JobState.SCHEDULED
    assert jobs.claim(job_id, worker="w", redelivered=True) is None
    resume()
    jobs.take_due(batch=9)
    claim = jobs.claim(job_id, worker="w", redelivered=False)
    assert claim is not None
    assert claim.attempt == 1
    assert Job.objects.get(pk=job_id).crashes == 0


def test_what_slips_through_is_set_aside_by_the_rescue_and_let_go_after_it() -> None:
    job_id = queued()
    PausedQueue.objects.create(queue="default", paused_by="user:3")
    assert jobs.hold_paused() == 1
    assert Job.objects.get(pk=job_id).held
    PausedQueue.objects.all().delete()
    assert jobs.let_go() == 1
    assert not jobs.let_go()


@pytest.mark.django_db(transaction=True)
def test_a_dispatch_under_way_is_waited_for_and_set_aside(wait_until: WaitUntil) -> None:
    job_id = scheduled()
    with ThreadPoolExecutor() as pool:
        with transaction.atomic():
            assert len(jobs.take_due(batch=9)) == 1  # not committed, so nobody sees it yet
            paused = pool.submit(in_a_thread(pause))
            wait_until(somebody_waits_for_a_lock)
            assert not paused.done()
        paused.result()
    row = Job.objects.get(pk=job_id)
    assert (row.state, row.held) == (JobState.SCHEDULED, True)


@pytest.mark.django_db(transaction=True)
def test_somebody_who_reads_for_long_does_not_stop_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "PATIENCE_MS", 50)
    job_id = queued()
    with ThreadPoolExecutor() as pool, transaction.atomic():
        assert not PausedQueue.objects.exists()
        pool.submit(in_a_thread(pause)).result(timeout=20)
    assert state_of(job_id) == JobState.SCHEDULED


def test_a_running_job_ends_and_its_retry_waits() -> None:
    ends, fails, returned, vanished = (running() for _ in range(4))
    pause()
    assert jobs.succeed(ends, result=None)
    assert jobs.try_again(fails, wait_s=0, error="e", traceback="", failed=True)
    assert jobs.give_back(returned.id, worker_prefix="w@here:")
    assert jobs.claim(vanished.id, worker="w", redelivered=True) is None
    assert jobs.take_due(batch=9) == []
    assert jobs.claim(returned.id, worker="w", redelivered=True) is None
    assert [Job.objects.get(pk=each.id).attempt for each in (fails, returned, vanished)] == [1] * 3
    assert Job.objects.get(pk=fails.id).held


def test_a_foreign_message_for_a_paused_queue_is_taken_in_and_waits() -> None:
    pause()
    job_id = uuid4()
    jobs.adopt(job_id=job_id, task="sample.note", queue="default", args="[]", kwargs="{}")
    assert jobs.claim(job_id, worker="w", redelivered=False) is None
    assert jobs.take_due(batch=9) == []
    assert Job.objects.get(pk=job_id).held


def test_a_retried_job_of_a_purged_pause_is_dispatched() -> None:
    job_id = queued()
    pause()
    assert queues.purge(queue="default", confirm="default", actor="user:3") == 1
    resume()
    assert jobs.retry(job_id)
    assert [each.id for each in jobs.take_due(batch=9)] == [job_id]


def test_a_purge_cancels_what_has_not_started_after_a_typed_confirmation() -> None:
    ids = [queued(), scheduled(countdown=60)]
    other, runs = queued(queue="email"), running()
    ids.append(scheduled())
    with pytest.raises(NotConfirmed, match="default"):
        queues.purge(queue="default", confirm="email", actor="user:3")
    assert state_of(ids[1]) == JobState.SCHEDULED
    assert queues.purge(queue="default", confirm="default", actor="user:3", reason="r") == 3
    assert {state_of(each) for each in ids} == {JobState.CANCELLED}
    assert (state_of(other), state_of(runs)) == (JobState.QUEUED, JobState.RUNNING)
    assert AuditEntry.objects.get().details == {"cancelled": 3}


def test_queues_are_counted_by_what_their_jobs_wait_for() -> None:
    running()
    Job.objects.filter(pk=queued()).update(run_at="2026-01-01T00:00Z")
    scheduled(countdown=600)
    pause()
    scheduled()
    jobs.take_due(batch=9)
    by_name = {each.name: each for each in queues.queues()}
    found = by_name["default"]
    assert (found.later, found.due, found.queued, found.running) == (1, 2, 0, 1)
    assert found.oldest_s is not None
    assert found.oldest_s > 86400
    assert found.pause is not None
    assert (found.pause.by, found.pause.reason) == ("user:3", "repairs")
    assert by_name["email"].oldest_s is None


@pytest.mark.django_db(transaction=True)
def test_a_pause_holds_in_a_running_house_and_survives_its_restart(
    runner: Runner, wait_until: WaitUntil
) -> None:
    dispatcher = runner.start_dispatcher(env=QUICK)
    note.delay("before")
    wait_until(lambda: waiting("default") == 1)
    pause()
    note.delay("after")
    worker = runner.start_worker(include=[sample_tasks.MODULE], env=QUICK)
    wait_until(lambda: waiting("default") == 0)
    wait_until(lambda: Job.objects.filter(held=True).count() == 2)
    dispatcher.kill()
    worker.kill()
    runner.start_dispatcher(env=QUICK)
    runner.start_worker(include=[sample_tasks.MODULE], env=QUICK)
    note.apply_async(("other",), queue="email")
    note.delay("later")
    wait_until(lambda: Job.objects.filter(held=True).count() == 3)
    assert not Attempt.objects.exists()

    resume()

    wait_until(lambda: all(marks(each) == 1 for each in ("before", "after", "later")))
    assert set(Attempt.objects.values_list("number", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_services")
def test_a_dispatcher_does_not_spin_over_a_paused_queue() -> None:
    pause()
    scheduled()
    dispatcher = Dispatcher(app_or_default())
    dispatcher.round()
    assert dispatcher._idle_s() > 0
