"""Stop a checkout at each of its seams, let something happen there, and go on or die.

What the state machine finds by chance, these find by going through all places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from orders.cancelling import cancel_order
from orders.models import Order
from tests.orders import makers
from tests.orders.provider import Answer, ScriptedProvider
from tests.orders.stepping import make_steppable
from tests.orders.world import World

pytestmark = pytest.mark.django_db(transaction=True)

MAX_SEAMS = 100
Meanwhile = Callable[[World], object]


@pytest.fixture(autouse=True)
def steppable(provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    make_steppable(monkeypatch, provider)


def cancelled(world: World) -> None:
    cancel_order(order_id=world.order.pk)


def cancelled_and_looked_into(world: World) -> None:
    """The worker stalls for minutes, and the refund job runs while its request is on its way."""
    cancel_order(order_id=world.order.pk)
    world.minutes_pass()
    for job in world.live_jobs():
        if job.task == "orders.refund":
            world.start(job).finish()
    world.reap()


def run_by_another_worker(world: World) -> None:
    world.start().finish()


def nothing(world: World) -> None:
    pass


def ends(
    provider: ScriptedProvider, script: Iterable[Answer], meanwhile: Meanwhile, *, killed: bool
) -> list[str]:
    """How the order ended, for a stop at the first seam, at the second, and so on."""
    states = []
    for seams in range(1, MAX_SEAMS):
        world = World(provider)
        provider.script.extend(script)
        run = world.start()
        for _ in range(seams):
            if not run.ended:
                run.step()
        came_to_its_end = run.ended
        meanwhile(world)
        world.assert_sound()
        if killed:
            run.kill()
        world.calm_down()
        world.assert_settled()
        states.append(makers.fresh(world.order).state)
        if came_to_its_end:
            return states
    raise AssertionError(f"more than {MAX_SEAMS} seams")


@pytest.mark.parametrize("killed", [False, True], ids=["goes on", "is killed"])
@pytest.mark.parametrize(
    "script", [[], ["lost_after"], ["lost_before"], ["decline"], ["pending"], ["not_done"]]
)
@pytest.mark.parametrize("meanwhile", [cancelled, cancelled_and_looked_into])
def test_cancelled_at_any_moment(
    provider: ScriptedProvider, script: list[Answer], meanwhile: Meanwhile, killed: bool
) -> None:
    """Given a checkout at any of its seams / When cancelled there / Then all is given back."""
    states = ends(provider, script, meanwhile, killed=killed)
    assert len(states) >= 8, "the seams are not visited"
    assert set(states) <= {Order.State.CANCELLED, Order.State.FAILED}


@pytest.mark.parametrize("killed", [False, True], ids=["goes on", "is killed"])
@pytest.mark.parametrize("script", [[], ["lost_after"], ["pending"]])
def test_run_by_another_worker_at_any_moment(
    provider: ScriptedProvider, script: list[Answer], killed: bool
) -> None:
    """Given a checkout at any of its seams / When the same job runs elsewhere / Then once."""
    states = ends(provider, script, run_by_another_worker, killed=killed)
    assert set(states) == {Order.State.CONFIRMED}


@pytest.mark.parametrize("killed", [False, True], ids=["goes on", "is killed"])
def test_sold_to_another_at_any_moment(provider: ScriptedProvider, killed: bool) -> None:
    """Given a checkout at any of its seams / When the goods run out / Then sold or all back."""
    states = ends(provider, [], World.goods_run_out, killed=killed)
    assert set(states) == {Order.State.FAILED, Order.State.CONFIRMED}


@pytest.mark.parametrize("script", [[], ["lost_after"], ["pending"], ["busy"]])
def test_killed_at_any_moment(provider: ScriptedProvider, script: list[Answer]) -> None:
    """Given a checkout that dies at any of its seams / When it runs again / Then confirmed."""
    assert set(ends(provider, script, nothing, killed=True)) == {Order.State.CONFIRMED}
