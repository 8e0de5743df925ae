"""Anything that can happen to an order, in any order: checkouts that overlap, stop and die, people
who cancel and refund, a provider that answers as it likes, goods that run out meanwhile.

Whatever happened, once every job has run: one charge at most, refunds only of what was captured,
confirmed means paid and sold, and an order that ended keeps neither goods nor money.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from inventory import reservations
from inventory.errors import OutOfStock
from inventory.models import Reservation
from inventory.reservations import Wanted
from orders import states
from orders.cancelling import cancel_order
from orders.checkout import advance_checkout
from orders.errors import NothingToRefund
from orders.models import Order, Payment
from orders.refunds import give_back, refund_order
from tasks.models import LIVE_STATES, Effect, Job, JobState
from tests.orders import makers
from tests.orders.provider import ScriptedProvider
from tests.orders.stepping import Run, make_steppable

QUANTITY = 2
ON_HAND = 3
MAX_RUNS = 2  # at a time; a third one would show nothing new
TASKS = {"orders.advance_checkout": advance_checkout, "orders.refund": give_back}
ANSWERS = ["ok", "decline", "pending", "lost_before", "lost_after", "busy"]


class OrderMachine(RuleBasedStateMachine):
    provider: ScriptedProvider

    @initialize()
    def place(self) -> None:
        self.provider.charges.clear()
        self.provider.refunds.clear()
        self.provider.script.clear()
        self.product = makers.product(on_hand=ON_HAND)
        self.order = makers.order(self.product, quantity=QUANTITY)
        self.runs: list[Run] = []
        self.attempts = 0
        self.rivals = 0

    # --- workers

    @precondition(lambda self: len(self.runs) < MAX_RUNS)
    @rule(data=st.data())
    def start(self, data: st.DataObject) -> None:
        jobs = self._live_jobs()
        if jobs:
            self._start(data.draw(st.sampled_from(jobs), label="job"))

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), steps=st.integers(1, 8))
    def step(self, data: st.DataObject, steps: int) -> None:
        run = self._choose(data)
        for _ in range(steps):
            if not run.ended:
                run.step()
        self._reap()

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        self._choose(data).finish()
        self._reap()

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        self._choose(data).kill()
        self._reap()

    # --- people

    @rule()
    def cancel(self) -> None:
        cancel_order(order_id=self.order.pk, actor="ann")

    @rule()
    def ask_for_refund(self) -> None:
        with suppress(NothingToRefund):
            refund_order(order_id=self.order.pk, actor="ann")

    # --- the world

    @rule(answer=st.sampled_from(ANSWERS))
    def provider_will_answer(self, answer: Any) -> None:
        self.provider.script.append(answer)

    @rule(declined=st.booleans())
    def provider_settles(self, declined: bool) -> None:
        self.provider.settle(declined=declined)

    @rule()
    def goods_run_out(self) -> None:
        """The reservation expires and somebody else buys what is left."""
        Reservation.objects.filter(
            reference=self.order.reference, state=Reservation.State.HELD
        ).update(expires_at=timezone.now() - timedelta(seconds=1))
        reservations.release_expired()
        self.rivals += 1
        reference = f"rival:{self.order.pk}:{self.rivals}"
        try:
            reservations.reserve(
                reference=reference,
                wanted=[Wanted(product_id=self.product.pk, quantity=ON_HAND - 1)],
            )
        except OutOfStock:
            return
        assert reservations.commit(reference=reference)

    @rule()
    def hours_pass(self) -> None:
        """No attempt lives that long: the time limit kills what still runs."""
        for run in self.runs:
            run.kill()
        self._reap()
        self._age()

    # --- what always holds

    @invariant()
    def confirmed_is_paid_and_sold(self) -> None:
        if not hasattr(self, "order"):
            return
        order = makers.fresh(self.order)
        kept = self.provider.money_kept(order.reference)
        assert kept in (0, order.total_minor)
        if order.state == Order.State.CONFIRMED:
            assert order.payment.state in (Payment.State.CAPTURED, Payment.State.REFUNDED)
            assert makers.sold(order) == QUANTITY
        else:
            assert makers.sold(order) in (0, QUANTITY)
        if order.payment.state == Payment.State.VOID:
            assert kept == 0

    def teardown(self) -> None:
        if not hasattr(self, "order"):
            return
        for run in self.runs:
            run.finish()
        self._reap()
        self._run_all_jobs()
        self._assert_settled()

    # --- how

    def _choose(self, data: st.DataObject) -> Run:
        return self.runs[data.draw(st.integers(0, len(self.runs) - 1), label="run")]

    def _live_jobs(self) -> list[Job]:
        return list(
            Job.objects.filter(
                subject=self.order.reference, task__in=TASKS, state__in=LIVE_STATES
            ).order_by("created_at", "id")
        )

    def _start(self, job: Job) -> Run:
        self.attempts += 1
        run = Run(
            lambda: TASKS[job.task](order_id=self.order.pk), job_id=job.pk, attempt=self.attempts
        )
        self.runs.append(run)
        return run

    def _reap(self) -> None:
        """Do with the ended runs as the ledger does."""
        for run in [run for run in self.runs if run.ended]:
            self.runs.remove(run)
            assert not isinstance(run.error, AssertionError), run.error
            if run.error is None:
                Job.objects.filter(pk=run.job_id).update(state=JobState.SUCCEEDED)
            elif isinstance(run.error, NothingToRefund):
                Job.objects.filter(pk=run.job_id).update(state=JobState.DEAD)

    def _age(self) -> None:
        long_ago = timezone.now() - timedelta(days=1)
        Effect.objects.filter(state=Effect.State.INTENDED).update(intended_at=long_ago)
        Payment.objects.filter(order=self.order).update(asked_at=long_ago)

    def _run_all_jobs(self) -> None:
        """The world calms down and the workers catch up."""
        self.provider.script.clear()
        for _ in range(20):
            jobs = self._live_jobs()
            if not jobs:
                return
            self.provider.settle()
            self._age()
            for job in jobs:
                self._start(job).finish()
                self._reap()
        raise AssertionError(f"jobs that never end: {self._live_jobs()}")

    def _assert_settled(self) -> None:
        order = makers.fresh(self.order)
        kept = self.provider.money_kept(order.reference)
        assert order.state not in states.UNPAID
        assert makers.held(order) == 0
        if order.state == Order.State.CONFIRMED:
            assert order.payment.state == Payment.State.CAPTURED
            assert (kept, makers.sold(order)) == (order.total_minor, QUANTITY)
        else:
            assert kept == 0
            assert order.payment.state in (
                Payment.State.REFUNDED,
                Payment.State.REFUSED,
                Payment.State.VOID,
            )
            assert makers.sold(order) == (QUANTITY if order.state == Order.State.REFUNDED else 0)
        events = makers.kinds(order)
        assert len(events) == len(set(events) - {"refund_asked"}) + events.count("refund_asked")


@pytest.mark.django_db(transaction=True)
def test_an_order_ends_well_whatever_happens(
    provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_steppable(monkeypatch, provider)
    machine = type("Machine", (OrderMachine,), {"provider": provider})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
