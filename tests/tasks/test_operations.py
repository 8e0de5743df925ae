from __future__ import annotations

import time
from uuid import UUID

import pytest
from django.utils import timezone

from tasks import jobs, operations
from tasks.bulk import BATCH, Deed, Wish, carry_out
from tasks.enqueue import enqueue_many
from tasks.job_filter import JobFilter
from tasks.models import AuditEntry, Job, JobState
from tests.running import Runner
from tests.tasks.conftest import WaitUntil
from tests.tasks.running_jobs import queued, running, scheduled, state_of
from tests.tasks.sample_tasks import note

pytestmark = pytest.mark.django_db

DEAD = JobFilter(states=(JobState.DEAD,))
MANY = 3000


def dead(count: int = 1, **columns: object) -> list[UUID]:
    ids = enqueue_many(note, [((str(n),), {}) for n in range(count)])
    Job.objects.filter(pk__in=ids).update(
        state=JobState.DEAD, finished_at=timezone.now(), error="e", **columns
    )
    return ids


def actions() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "actor"))


def test_a_deed_on_one_job_is_done_once_and_recorded() -> None:
    [job_id] = dead()
    assert operations.act(Deed.DISCARD, job_id, actor="user:3", reason="known")
    assert not operations.act(Deed.DISCARD, job_id, actor="user:3")
    assert state_of(job_id) == JobState.DISCARDED
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.reason) == ("job.discard", f"job:{job_id}", "known")


def test_a_discarded_job_can_be_retried_and_is_pruned_as_finished_ones_are() -> None:
    first, second = dead(2)
    for job_id in (first, second):
        jobs.discard(job_id)
    assert jobs.retry(first)
    Job.objects.filter(pk=second).update(finished_at="2020-01-01T00:00Z")
    assert jobs.prune() == 1


def test_only_a_dead_job_is_discarded() -> None:
    job = running()
    assert not jobs.discard(job.id)
    assert not jobs.discard(scheduled())


def test_a_priority_counts_at_the_next_dispatch() -> None:
    first, second = scheduled(), scheduled()
    assert operations.act(Deed.REPRIORITISE, second, actor="user:3", priority=9)
    assert [each.id for each in jobs.take_due(batch=9)] == [second, first]
    assert AuditEntry.objects.get().details == {"priority": 9}


@pytest.mark.parametrize("priority", [-1, 10, None])
def test_a_priority_out_of_range_is_refused(priority: int | None) -> None:
    with pytest.raises(ValueError, match="between 0 and 9"):
        operations.act(Deed.REPRIORITISE, scheduled(), actor="user:3", priority=priority)
    with pytest.raises(ValueError, match="between 0 and 9"):
        operations.act_on_all(Deed.REPRIORITISE, DEAD, actor="user:3", priority=priority)


def test_all_that_a_filter_means_and_the_deed_applies_to_are_changed() -> None:
    ids = dead(3)
    other = scheduled()
    assert operations.count(Deed.RETRY, JobFilter(task="sample.note")) == 3
    answer = operations.act_on_all(
        Deed.RETRY, JobFilter(task="sample.note"), actor="user:3", reason="mended"
    )
    assert (answer.matched, answer.changed, answer.job_id) == (3, 3, None)
    assert {state_of(each) for each in (*ids, other)} == {JobState.SCHEDULED}
    asked, done = AuditEntry.objects.order_by("pk")
    assert (asked.action, asked.subject, asked.reason) == (
        "jobs.retry",
        "jobs:task=sample.note",
        "mended",
    )
    assert (done.action, sorted(done.details["jobs"])) == ("job.retry", sorted(map(str, ids)))


def test_each_deed_on_many() -> None:
    later = scheduled(countdown=600)
    asked = running()
    waits = queued()
    every = JobFilter(task="sample.note")

    def do(deed: Deed, priority: int | None = None) -> int | None:
        return operations.act_on_all(deed, every, actor="user:3", priority=priority).changed

    assert do(Deed.REPRIORITISE, 7) == 3
    assert set(Job.objects.values_list("priority", flat=True)) == {7}
    assert do(Deed.RUN_NOW) == 1
    assert do(Deed.CANCEL) == 3
    assert [state_of(each) for each in (later, waits, asked)] == [
        "cancelled",
        "cancelled",
        "running",
    ]
    assert jobs.renew(asked) is True
    assert do(Deed.CANCEL) == 0
    dead(2)
    assert do(Deed.DISCARD) == 2
    assert do(Deed.RETRY) == 4


def test_a_filter_that_means_everything_is_refused() -> None:
    with pytest.raises(ValueError, match="every job"):
        operations.act_on_all(Deed.CANCEL, JobFilter(), actor="user:3")
    assert not AuditEntry.objects.exists()


def test_of_many_with_one_unique_key_the_newest_is_retried_and_none_beside_a_live_one() -> None:
    dead(1, unique_key="alone")
    [first], [second] = dead(unique_key="twice"), dead(unique_key="twice")
    taken = dead(1, unique_key="taken")
    scheduled(unique_key="taken")
    assert operations.act_on_all(Deed.RETRY, DEAD, actor="user:3").changed == 2
    assert [state_of(each) for each in (first, second, *taken)] == ["dead", "scheduled", "dead"]


def test_a_job_that_dies_again_meanwhile_is_left_alone() -> None:
    [job_id] = dead()
    wish = Wish(deed=Deed.RETRY, filter=DEAD, actor="user:3", asked_at=timezone.now())
    Job.objects.filter(pk=job_id).update(finished_at=timezone.now())
    assert [changed for _, changed in carry_out(wish)] == [0]
    assert state_of(job_id) == JobState.DEAD


@pytest.mark.django_db(transaction=True)
def test_thousands_are_a_job_that_shows_its_progress(runner: Runner, wait_until: WaitUntil) -> None:
    ids = dead(MANY)
    started = time.monotonic()
    answer = operations.act_on_all(Deed.DISCARD, DEAD, actor="user:3")
    assert time.monotonic() - started < 5
    assert (answer.matched, answer.changed) == (MANY, None)
    assert answer.job_id is not None
    job_id = answer.job_id
    runner.start_dispatcher()
    runner.start_worker()

    wait_until(lambda: state_of(job_id) == JobState.SUCCEEDED)

    row = Job.objects.get(pk=job_id)
    assert row.result == {"looked_at": MANY, "changed": MANY}
    assert (row.progress_done, row.progress_total) == (MANY, MANY)
    assert not Job.objects.filter(pk__in=ids).exclude(state=JobState.DISCARDED).exists()
    batches = AuditEntry.objects.filter(action="job.discard")
    assert batches.count() == MANY / BATCH
    assert sorted(each for entry in batches for each in entry.details["jobs"]) == sorted(
        map(str, ids)
    )
