from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from tasks import jobs
from tasks.conf import conf
from tasks.enqueue import enqueue_many
from tasks.models import Attempt, Job, JobState
from tests.tasks.running_jobs import let_lease_lapse, queued, running, scheduled, state_of, taken
from tests.tasks.sample_tasks import note

pytestmark = pytest.mark.django_db


def test_due_jobs_go_by_priority_then_by_time() -> None:
    first = scheduled("first")
    later = scheduled("later")
    urgent = scheduled("urgent", priority=9)
    future = scheduled("future", countdown=60)
    assert [each.id for each in jobs.take_due(batch=2)] == [urgent, first]
    assert [each.id for each in jobs.take_due(batch=9)] == [later]
    assert state_of(future) == JobState.SCHEDULED


def test_an_expired_job_is_not_published() -> None:
    job_id = scheduled(expires=0.001)
    Job.objects.filter(pk=job_id).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert jobs.take_due(batch=9) == []
    assert state_of(job_id) == JobState.EXPIRED


def test_a_job_that_expired_in_its_queue_is_not_started() -> None:
    job_id = queued(expires=60)
    Job.objects.filter(pk=job_id).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert jobs.claim(job_id, worker="w", redelivered=False) is None
    assert state_of(job_id) == JobState.EXPIRED


def test_a_job_is_claimed_once() -> None:
    job_id = queued()
    assert jobs.claim(job_id, worker="w1", redelivered=False) is not None
    assert jobs.claim(job_id, worker="w2", redelivered=False) is None


def test_a_job_that_waits_for_its_retry_is_not_claimed_by_an_old_message() -> None:
    job = running()
    assert jobs.try_again(job, wait_s=60, error="e", traceback="", failed=True)
    assert jobs.claim(job.id, worker="w2", redelivered=True) is None


def test_only_the_newest_attempt_may_end_a_job() -> None:
    old = running()
    claim = jobs.claim(old.id, worker="w2", redelivered=True)
    assert claim is not None
    assert claim.attempt == 2
    assert not jobs.succeed(old, result=None)
    assert not jobs.try_again(old, wait_s=0, error="", traceback="", failed=True)
    assert not jobs.fail(old, error="", traceback="")
    assert not jobs.withdraw(old, error="")
    assert jobs.renew(old) is None
    assert jobs.succeed(taken(claim), result='"new"')
    outcomes = Attempt.objects.filter(job=old.id).values_list("number", "outcome")
    assert list(outcomes) == [(1, "crashed"), (2, "succeeded")]


def test_a_second_delivery_waits_for_the_lease() -> None:
    job = running()
    assert jobs.claim(job.id, worker="w2", redelivered=False) is None
    let_lease_lapse(job)
    assert jobs.claim(job.id, worker="w2", redelivered=False) is not None


def test_too_many_crashes_kill_a_job() -> None:
    job = running()
    for crash in range(1, conf().max_crashes):
        claim = jobs.claim(job.id, worker="w", redelivered=True)
        assert claim is not None
        assert Job.objects.get(pk=job.id).crashes == crash
    assert jobs.claim(job.id, worker="w", redelivered=True) is None
    dead = Job.objects.get(pk=job.id)
    assert (dead.state, dead.crashes) == (JobState.DEAD, conf().max_crashes)
    assert "vanished" in dead.error


def test_a_silent_workers_job_is_scheduled_again() -> None:
    job, healthy = running(), running()
    let_lease_lapse(job)
    assert jobs.take_over_lapsed(batch=9) == 1
    assert (state_of(job), state_of(healthy)) == (JobState.SCHEDULED, JobState.RUNNING)


def test_giving_back_costs_no_crash() -> None:
    job = running(worker="w@here:1")
    assert not jobs.give_back(job.id, worker_prefix="other@here:")
    assert jobs.give_back(job.id, worker_prefix="w@here:")
    assert not jobs.succeed(job, result=None)  # what it did is rolled back
    again = jobs.claim(job.id, worker="w2", redelivered=True)
    assert again is not None
    assert Job.objects.get(pk=job.id).crashes == 0


def test_cancelling_what_has_not_started_is_final() -> None:
    for job_id in (scheduled(), queued()):
        assert jobs.cancel(job_id)
        assert state_of(job_id) == JobState.CANCELLED
        assert jobs.claim(job_id, worker="w", redelivered=False) is None
        assert not jobs.cancel(job_id)


def test_cancelling_a_running_job_reaches_it_and_its_retry() -> None:
    job = running()
    assert jobs.cancel(job.id)
    assert jobs.renew(job) is True
    assert jobs.try_again(job, wait_s=1, error="e", traceback="", failed=True)
    assert state_of(job) == JobState.CANCELLED


def test_cancelling_comes_too_late_for_a_success() -> None:
    job = running()
    assert jobs.cancel(job.id)
    assert jobs.succeed(job, result=None)
    assert state_of(job) == JobState.SUCCEEDED


def test_a_cancelled_job_of_a_killed_worker_stays_cancelled() -> None:
    job = running()
    jobs.cancel(job.id)
    assert jobs.claim(job.id, worker="w2", redelivered=True) is None
    assert state_of(job) == JobState.CANCELLED


def test_retrying_a_dead_job_starts_its_counts_anew() -> None:
    job = running()
    jobs.fail(job, error="e", traceback="t")
    assert jobs.retry(job.id)
    again = Job.objects.get(pk=job.id)
    assert (again.state, again.failures, again.crashes) == (JobState.SCHEDULED, 0, 0)
    assert again.finished_at is None
    assert not jobs.retry(job.id)


def test_a_dead_job_is_not_retried_beside_a_live_one_of_its_key() -> None:
    job_id = queued(unique_key="k")
    job = running(job_id)
    jobs.fail(job, error="e", traceback="t")
    scheduled(unique_key="k")
    assert not jobs.retry(job_id)


def test_a_success_is_never_retried() -> None:
    job = running()
    jobs.succeed(job, result=None)
    assert not jobs.retry(job.id)


def test_running_now_makes_a_later_job_due() -> None:
    job_id = scheduled(countdown=600)
    assert jobs.run_now(job_id)
    assert [each.id for each in jobs.take_due(batch=9)] == [job_id]


def test_progress_is_written_with_the_lease() -> None:
    job = running()
    job.progress(done=3, total=9, note="three")
    before = Job.objects.get(pk=job.id).lease_until
    assert jobs.renew(job) is False
    row = Job.objects.get(pk=job.id)
    assert (row.progress_done, row.progress_total, row.progress_note) == (3, 9, "three")
    assert row.lease_until is not None
    assert before is not None
    assert row.lease_until > before


def test_old_jobs_are_pruned_and_young_or_live_ones_stay() -> None:
    old, young, dead = running(), running(), running()
    for job in (old, young):
        jobs.succeed(job, result=None)
    jobs.fail(dead, error="", traceback="")
    long_ago = timezone.now() - timedelta(days=conf().keep_finished_days + 1)
    Job.objects.filter(pk__in=[old.id, dead.id]).update(finished_at=long_ago)
    live = scheduled()
    assert jobs.prune() == 1
    left = set(Job.objects.values_list("pk", flat=True))
    assert left == {young.id, dead.id, live}
    assert not Attempt.objects.filter(job=old.id).exists()


def test_an_adopted_message_is_a_job() -> None:
    job_id = uuid4()
    for first in (True, False):
        adopted = jobs.adopt(
            job_id=job_id, task="sample.note", queue="default", args='["x"]', kwargs="{}"
        )
        assert adopted == first
    assert jobs.claim(job_id, worker="w", redelivered=False) is not None


@pytest.mark.django_db(transaction=True)
def test_dispatchers_share_the_due_jobs_without_doubles() -> None:
    ids = enqueue_many(note, [((str(n),), {}) for n in range(600)])
    found: list[object] = []

    def take() -> None:
        while batch := jobs.take_due(batch=7):
            found.extend(each.id for each in batch)
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, found)) == sorted(map(str, ids))
