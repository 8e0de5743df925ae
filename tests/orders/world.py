"""One order and everything around it that can interfere: workers, people, a provider, other buyers.

Workers are played by `Run`s; the ledger's part (which job is alive) is played on the real rows.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from inventory import reservations
from inventory.errors import OutOfStock
from inventory.models import Reservation
from inventory.reservations import Wanted
from orders import states
from orders.checkout import advance_checkout
from orders.errors import NothingToRefund
from orders.models import Order, Payment
from orders.refunds import give_back
from tasks.models import LIVE_STATES, Effect, Job, JobState
from tests.orders import makers
from tests.orders.provider import ScriptedProvider
from tests.orders.stepping import Run

QUANTITY = 2
ON_HAND = 3
TASKS = {"orders.advance_checkout": advance_checkout, "orders.refund": give_back}


class World:
    def __init__(self, provider: ScriptedProvider) -> None:
        self.provider = provider
        provider.forget()
        self.product = makers.product(on_hand=ON_HAND)
        self.order = makers.order(self.product, quantity=QUANTITY)
        self.runs: list[Run] = []
        self._attempts = 0
        self._rivals = 0

    # --- workers

    def live_jobs(self) -> list[Job]:
        return list(
            Job.objects.filter(
                subject=self.order.reference, task__in=TASKS, state__in=LIVE_STATES
            ).order_by("created_at", "id")
        )

    def start(self, job: Job | None = None) -> Run:
        """A new attempt of the job (the checkout, or whatever is alive first), still stopped."""
        chosen = job or self.live_jobs()[0]
        self._attempts += 1
        run = Run(
            lambda: TASKS[chosen.task](order_id=self.order.pk),
            job_id=chosen.pk,
            attempt=self._attempts,
        )
        self.runs.append(run)
        return run

    def reap(self) -> None:
        """Do with the ended runs as the ledger does."""
        for run in [run for run in self.runs if run.ended]:
            self.runs.remove(run)
            assert not isinstance(run.error, AssertionError), run.error
            if run.error is None:
                Job.objects.filter(pk=run.job_id).update(state=JobState.SUCCEEDED)
            elif isinstance(run.error, NothingToRefund):
                Job.objects.filter(pk=run.job_id).update(state=JobState.DEAD)

    # --- the world

    def goods_run_out(self) -> None:
        """The reservation expires and somebody else buys most of the shelf."""
        Reservation.objects.filter(
            reference=self.order.reference, state=Reservation.State.HELD
        ).update(expires_at=timezone.now() - timedelta(seconds=1))
        reservations.release_expired()
        self._rivals += 1
        reference = f"rival:{self.order.pk}:{self._rivals}"
        wanted = [Wanted(product_id=self.product.pk, quantity=ON_HAND - 1)]
        try:
            reservations.reserve(reference=reference, wanted=wanted)
        except OutOfStock:
            return
        assert reservations.commit(reference=reference)

    def minutes_pass(self) -> None:
        """An effect's turn is over by then, but a stalled attempt may still be alive."""
        self._age(timedelta(minutes=3))

    def hours_pass(self) -> None:
        """No attempt lives that long: the time limit kills what still runs."""
        for run in self.runs:
            run.kill()
        self.reap()
        self._age(timedelta(hours=1))

    def _age(self, by: timedelta) -> None:
        effects = Effect.objects.filter(
            key__startswith=f"{self.order.reference}:", state=Effect.State.INTENDED
        )
        effects.update(intended_at=F("intended_at") - by)
        Payment.objects.filter(order=self.order).update(asked_at=F("asked_at") - by)

    def calm_down(self) -> None:
        """Whatever was begun is finished, the provider answers well, and all jobs run."""
        for run in self.runs:
            run.finish()
        self.reap()
        self.provider.script.clear()
        for _ in range(20):
            jobs = self.live_jobs()
            if not jobs:
                return
            self.provider.settle()
            self.hours_pass()
            for job in jobs:
                self.start(job).finish()
                self.reap()
        raise AssertionError(f"jobs that never end: {self.live_jobs()}")

    # --- what holds

    def assert_sound(self) -> None:
        """At any moment."""
        order = makers.fresh(self.order)
        kept = self.provider.money_kept(order.reference)
        assert kept in (0, order.total_minor)
        assert makers.sold(order) in (0, QUANTITY)
        if order.state == Order.State.CONFIRMED:
            assert order.payment.state in (Payment.State.CAPTURED, Payment.State.REFUNDED)
            assert makers.sold(order) == QUANTITY

    def assert_settled(self) -> None:
        """Once every job has run."""
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
        events = [kind for kind in makers.kinds(order) if kind != "refund_asked"]
        assert len(events) == len(set(events)), "something was told twice"
        assert self.provider.made("charge") <= self._attempts
