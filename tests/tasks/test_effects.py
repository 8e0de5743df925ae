from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from tasks import effects
from tasks.context import CurrentJob, running
from tasks.errors import EffectMismatch, NotDone
from tasks.models import Effect, new_job_id
from tasks.outcomes import Snooze

pytestmark = pytest.mark.django_db(transaction=True)


class Provider:
    """Does a thing once for a key, and can lose its answer."""

    def __init__(self) -> None:
        self.done: dict[str, Any] | None = None
        self.calls = 0
        self.looks = 0

    def call(self) -> dict[str, Any]:
        self.calls += 1
        self.done = {"made": self.calls}
        return self.done

    def call_and_lose_the_answer(self) -> dict[str, Any]:
        self.call()
        raise TimeoutError

    def never_get_there(self) -> dict[str, Any]:
        self.calls += 1
        raise TimeoutError

    def refuse(self) -> dict[str, Any]:
        self.calls += 1
        raise NotDone("surely not")

    def look_up(self) -> dict[str, Any] | None:
        self.looks += 1
        return self.done

    def perform(self, call: Any = None, **options: Any) -> dict[str, Any]:
        arguments: dict[str, Any] = {"params": {"amount": 5}, **options}
        return effects.perform(
            key="order:1:charge",
            kind="charge",
            call=call or self.call,
            look_up=self.look_up,
            **arguments,
        )


@pytest.fixture
def provider() -> Provider:
    return Provider()


def let_time_pass() -> None:
    long_ago = timezone.now() - timedelta(seconds=effects.PATIENCE_S + 1)
    Effect.objects.update(intended_at=long_ago)


def test_a_second_time_is_the_saved_result(provider: Provider) -> None:
    assert provider.perform() == provider.perform() == {"made": 1}
    assert (provider.calls, provider.looks) == (1, 0)


def test_the_same_key_for_something_else_is_refused(provider: Provider) -> None:
    provider.perform()
    with pytest.raises(EffectMismatch):
        provider.perform(params={"amount": 6})
    assert provider.calls == 1


def test_a_lost_answer_is_looked_up_and_not_repeated(provider: Provider) -> None:
    with pytest.raises(TimeoutError):
        provider.perform(provider.call_and_lose_the_answer)
    let_time_pass()
    assert provider.perform() == {"made": 1}
    assert (provider.calls, provider.looks) == (1, 1)


def test_a_request_that_never_arrived_is_made_again(provider: Provider) -> None:
    with pytest.raises(TimeoutError):
        provider.perform(provider.never_get_there)
    let_time_pass()
    assert provider.perform() == {"made": 2}
    assert provider.looks == 1


def test_what_surely_failed_is_tried_again_without_asking(provider: Provider) -> None:
    with pytest.raises(NotDone):
        provider.perform(provider.refuse)
    assert Effect.objects.get().state == Effect.State.FAILED
    assert provider.perform() == {"made": 2}
    assert provider.looks == 0


def test_another_job_waits_while_the_first_may_be_at_it(provider: Provider) -> None:
    with pytest.raises(TimeoutError):
        provider.perform(provider.call_and_lose_the_answer)
    with pytest.raises(Snooze):
        provider.perform()
    assert (provider.calls, provider.looks) == (1, 0)


def test_the_same_job_may_look_at_once(provider: Provider) -> None:
    job = CurrentJob(id=new_job_id(), attempt=1, task="t", correlation_id="", worker="w")
    with running(job):
        with pytest.raises(TimeoutError):
            provider.perform(provider.call_and_lose_the_answer)
        assert provider.perform() == {"made": 1}


def test_a_late_failure_does_not_undo_a_success(provider: Provider) -> None:
    def overtaken() -> dict[str, Any]:
        let_time_pass()
        provider.done = {"made": "by another"}
        assert provider.perform() == {"made": "by another"}
        raise NotDone("I thought so")

    with pytest.raises(NotDone):
        provider.perform(overtaken)
    effect = Effect.objects.get()
    assert (effect.state, effect.result) == (Effect.State.DONE, {"made": "by another"})


def test_inside_a_transaction_it_refuses_to_start(provider: Provider) -> None:
    with pytest.raises(RuntimeError, match="transaction"), transaction.atomic():
        provider.perform()
    assert provider.calls == 0
