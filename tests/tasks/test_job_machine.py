"""The ledger against a model: any order of deliveries, crashes, ends and people's actions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tasks import jobs, queues
from tasks.conf import conf
from tasks.context import CurrentJob
from tasks.models import LIVE_STATES, RETRYABLE_STATES, Attempt, Job, JobState, PausedQueue
from tests.tasks.running_jobs import let_lease_lapse, scheduled, taken


class Ledger(RuleBasedStateMachine):
    """One job, and every attempt that was ever handed out for it."""

    def __init__(self) -> None:
        super().__init__()
        PausedQueue.objects.all().delete()
        Job.objects.all().delete()  # the last example's: all examples share a transaction
        self.job_id: UUID = scheduled()
        self.attempts: list[CurrentJob] = []
        self.successes = 0

    def row(self) -> Job:
        return Job.objects.get(pk=self.job_id)

    def handed_out(self, claim: jobs.Claim | None) -> None:
        if claim is not None:
            assert claim.attempt > max((each.attempt for each in self.attempts), default=0)
            self.attempts.append(taken(claim))

    @rule()
    def publish(self) -> None:
        jobs.run_now(self.job_id)
        jobs.take_due(batch=10)

    @rule(redelivered=st.booleans())
    def deliver(self, redelivered: bool) -> None:
        before = self.row()
        claim = jobs.claim(self.job_id, worker="w", redelivered=redelivered)
        if claim is not None:
            assert not PausedQueue.objects.exists()
            assert before.state == JobState.QUEUED or (
                before.state == JobState.RUNNING and redelivered
            )
        self.handed_out(claim)

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), how=st.sampled_from(["succeed", "retry", "snooze", "fail", "withdraw"]))
    def end(self, data: Any, how: str) -> None:
        """Any attempt may come back at any time, also one that was long superseded."""
        attempt = data.draw(st.sampled_from(self.attempts))
        before = self.row()
        happened = {
            "succeed": lambda: jobs.succeed(attempt, result=None),
            "retry": lambda: self.again(attempt, failed=True),
            "snooze": lambda: self.again(attempt, failed=False),
            "fail": lambda: jobs.fail(attempt, error="e", traceback=""),
            "withdraw": lambda: jobs.withdraw(attempt, error="e"),
        }[how]()
        mine = before.state == JobState.RUNNING and before.attempt == attempt.attempt
        assert happened == mine
        self.successes += how == "succeed" and happened

    def again(self, attempt: CurrentJob, *, failed: bool) -> bool:
        return jobs.try_again(attempt, wait_s=0, error="e", traceback="", failed=failed)

    @precondition(lambda self: self.attempts)
    @rule()
    def go_silent(self) -> None:
        let_lease_lapse(self.attempts[-1])
        jobs.take_over_lapsed(batch=10)

    @rule()
    def lose_the_confirm(self) -> None:
        jobs.unpublish([self.job_id])

    @rule()
    def lose_the_message(self) -> None:
        jobs.take_lost(queue="default", missing=5, age_s=0)

    @rule()
    def let_go(self) -> None:
        jobs.give_back(self.job_id, worker_prefix="w")

    @rule(crashed=st.booleans())
    def park(self, crashed: bool) -> None:
        jobs.unpark(self.job_id, wait_s=0, crashed=crashed, error="parked")

    @rule()
    def cancel(self) -> None:
        before = self.row().state
        assert jobs.cancel(self.job_id) == (before in LIVE_STATES)

    @rule()
    def retry(self) -> None:
        before = self.row().state
        retried = jobs.retry(self.job_id)
        assert retried == (before in RETRYABLE_STATES)

    @rule()
    def discard(self) -> None:
        before = self.row().state
        assert jobs.discard(self.job_id) == (before == JobState.DEAD)

    @rule()
    def pause(self) -> None:
        queues.pause(queue="default", actor="test")
        assert self.row().state != JobState.QUEUED

    @rule()
    def resume(self) -> None:
        queues.resume(queue="default", actor="test")
        assert not self.row().held or self.row().state != JobState.SCHEDULED

    @rule()
    def keep_pauses(self) -> None:
        jobs.hold_paused()
        jobs.let_go()

    @invariant()
    def succeeds_at_most_once(self) -> None:
        row = self.row()
        assert self.successes <= 1
        assert (self.successes == 1) == (row.state == JobState.SUCCEEDED)

    @invariant()
    def says_when_it_ended(self) -> None:
        row = self.row()
        assert (row.finished_at is None) == (row.state in LIVE_STATES)
        assert row.lease_until is not None or row.state != JobState.RUNNING
        assert row.crashes <= conf().max_crashes

    @invariant()
    def remembers_every_attempt_once(self) -> None:
        numbers = list(Attempt.objects.filter(job=self.job_id).values_list("number", flat=True))
        assert len(numbers) == len(set(numbers))


@pytest.mark.django_db
def test_the_ledger_keeps_its_word() -> None:
    machine = settings(
        max_examples=40,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Ledger, settings=machine)
