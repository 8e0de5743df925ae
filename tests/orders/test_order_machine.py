"""Anything that can happen to an order, in any order: checkouts that overlap, stop and die, people
who cancel and refund, a provider that answers as it likes, goods that run out meanwhile.

Whatever happened, once every job has run: one charge at most, refunds only of what was captured,
confirmed means paid and sold, and an order that ended keeps neither goods nor money.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
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

from orders.cancelling import cancel_order
from orders.errors import NothingToRefund
from orders.models import Order
from orders.refunds import refund_order
from tests.orders import makers
from tests.orders.provider import ScriptedProvider
from tests.orders.stepping import Run, make_steppable
from tests.orders.world import World

MAX_RUNS = 2  # at a time; a third one would show nothing new
ANSWERS = ["ok", "decline", "pending", "lost_before", "lost_after", "busy", "not_done"]


class OrderMachine(RuleBasedStateMachine):
    provider: ScriptedProvider
    world: World | None = None

    @initialize(script=st.lists(st.sampled_from(ANSWERS), max_size=2))
    def place(self, script: Any) -> None:
        self.world = World(self.provider)
        self.provider.script.extend(script)

    # --- workers

    @precondition(lambda self: self.world and len(self.world.runs) < MAX_RUNS)
    @rule(data=st.data(), steps=st.integers(0, 20))
    def start(self, data: st.DataObject, steps: int) -> None:
        assert self.world
        jobs = self.world.live_jobs()
        if jobs:
            self._step(self.world.start(data.draw(st.sampled_from(jobs), label="job")), steps)

    @precondition(lambda self: self.world and self.world.runs)
    @rule(data=st.data(), steps=st.integers(1, 10))
    def step(self, data: st.DataObject, steps: int) -> None:
        self._step(self._choose(data), steps)

    @precondition(lambda self: self.world and self.world.runs)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        assert self.world
        self._choose(data).kill()
        self.world.reap()

    # --- people, while a worker is at it: before and after, the other tests do

    @precondition(lambda self: self.world and self.world.runs)
    @rule()
    def cancel(self) -> None:
        assert self.world
        cancel_order(order_id=self.world.order.pk, actor="ann")

    @precondition(lambda self: self.world and self._state() == Order.State.CONFIRMED)
    @rule()
    def ask_for_refund(self) -> None:
        """Only of a confirmed order: anything else gives its money back unasked."""
        assert self.world
        with suppress(NothingToRefund):
            refund_order(order_id=self.world.order.pk, actor="ann")

    # --- the world

    @rule(answer=st.sampled_from(ANSWERS))
    def provider_will_answer(self, answer: Any) -> None:
        self.provider.script.append(answer)

    @rule(declined=st.booleans())
    def provider_settles(self, declined: bool) -> None:
        self.provider.settle(declined=declined)

    @rule()
    def goods_run_out(self) -> None:
        assert self.world
        self.world.goods_run_out()

    @rule()
    def minutes_pass(self) -> None:
        assert self.world
        self.world.minutes_pass()

    @rule()
    def hours_pass(self) -> None:
        assert self.world
        self.world.hours_pass()

    # --- what holds

    @invariant()
    def sound(self) -> None:
        if self.world:
            self.world.assert_sound()

    def teardown(self) -> None:
        if self.world:
            self.world.calm_down()
            self.world.assert_settled()

    def _state(self) -> str:
        assert self.world
        return makers.fresh(self.world.order).state

    def _choose(self, data: st.DataObject) -> Run:
        assert self.world
        return self.world.runs[data.draw(st.integers(0, len(self.world.runs) - 1), label="run")]

    def _step(self, run: Run, steps: int) -> None:
        assert self.world
        for _ in range(steps):
            if not run.ended:
                run.step()
        self.world.reap()


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
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
