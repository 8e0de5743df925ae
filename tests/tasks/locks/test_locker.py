"""Taking turns: who gets a lock, when, and with which token."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from tasks.locks import Locker, LockLost, LockNotOwned, LockTimeout
from tests.tasks.locks.crowd import Waiter, in_line, queued
from tests.tasks.locks.waiting import until


def test_given_a_free_key_when_locked_then_nobody_else_gets_it(locker: Locker) -> None:
    with locker.lock("stock:1"):
        with pytest.raises(LockTimeout):
            locker.lock("stock:1", wait=0)
        with locker.lock("stock:2", wait=0):
            pass


def test_given_a_held_key_when_released_then_the_next_token_is_larger(locker: Locker) -> None:
    tokens = []
    for _ in range(50):
        with locker.lock("stock:1") as held:
            tokens.append(held.token)

    assert tokens == sorted(set(tokens))


def test_given_wait_0_when_taken_then_it_never_queues(locker: Locker, redis: Redis) -> None:
    with locker.lock("a"):
        with pytest.raises(LockTimeout):
            locker.lock("a", wait=0)

        assert queued(redis, "a") == 0


def test_given_waiters_when_released_then_they_come_in_order(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    order = []

    def take(number: int) -> Callable[[], None]:
        def body() -> None:
            with new_locker().lock("a", wait=10):
                order.append(number)

        return body

    with new_locker().lock("a"), in_line(redis, "a", *map(take, range(8))) as waiters:
        pass
    for waiter in waiters:
        waiter.result()

    assert order == list(range(8))


def test_given_a_waiter_when_the_lock_is_free_then_a_newcomer_does_not_barge(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    holder = new_locker()
    held = holder.lock("a")
    with in_line(redis, "a", lambda: new_locker().lock("a", wait=10)) as [waiter]:
        held.release()
        with pytest.raises(LockTimeout):
            holder.lock("a", wait=0)

    assert waiter.result().token > held.token  # type: ignore[attr-defined]


def test_given_a_woken_waiter_then_it_holds_for_its_full_ttl(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    held = new_locker().lock("a")
    with in_line(redis, "a", lambda: new_locker().lock("a", ttl=30, wait=10)) as [waiter]:
        held.release()
    waiter.result()

    until(lambda: redis.pttl("lock:a") > 20_000)


def test_given_a_wait_that_ends_then_it_ends_in_time_and_leaves_the_line(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    with new_locker().lock("a"):
        began = time.monotonic()
        with pytest.raises(LockTimeout):
            new_locker().lock("a", wait=0.2)

        assert 0.2 <= time.monotonic() - began < 0.4
        assert queued(redis, "a") == 0


def test_given_a_dead_holder_when_its_ttl_is_over_then_the_waiter_is_in_at_once(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    redis.set("lock:a", "lk1|x|gone|1||1", px=300)
    began = time.monotonic()

    with new_locker().lock("a", wait=5):
        assert time.monotonic() - began < 0.35


def test_given_several_keys_when_one_is_taken_then_none_is_got(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    with new_locker().lock("b"):
        with pytest.raises(LockTimeout):
            new_locker().lock_all(["a", "b", "c"], wait=0)

        assert redis.exists("lock:a", "lock:c") == 0


def test_given_crossing_key_orders_when_crowded_then_all_get_through(
    new_locker: Callable[[], Locker],
) -> None:
    def work(keys: list[str]) -> Callable[[], int]:
        def body() -> int:
            locker = new_locker()
            for _ in range(30):
                with locker.lock_all(keys, wait=10):
                    pass
            return 30

        return body

    crowd = [Waiter(work(keys)) for keys in (["a", "b"], ["b", "a"], ["b", "c"], ["c", "a"])]

    assert [waiter.result(30) for waiter in crowd] == [30] * 4


def test_given_a_waiter_of_many_keys_when_others_keep_coming_then_it_does_not_starve(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    first = new_locker().lock("a")
    with (
        in_line(redis, "a", lambda: new_locker().lock_all(["a", "b"], wait=10)) as [many],
        in_line(redis, "b", lambda: new_locker().lock("b", wait=10)) as [late],
    ):
        first.release()
        held = many.result()
        assert late.is_alive()
        held.release()  # type: ignore[attr-defined]
        late.result()

    assert late.outcome.token > held.token  # type: ignore[attr-defined]


def test_given_a_many_key_waiter_that_gives_up_then_those_behind_it_go_on(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    with (
        new_locker().lock("b"),
        in_line(redis, "a", lambda: new_locker().lock_all(["a", "b"], wait=0.3)),
    ):
        began = time.monotonic()
        with new_locker().lock("a", wait=5):
            assert time.monotonic() - began < 0.6


def test_given_a_held_lock_when_entered_again_then_the_outermost_releases(locker: Locker) -> None:
    with locker.lock("a") as held:
        with held.again() as inner:
            assert inner is held
        held.check()
        with pytest.raises(LockTimeout):
            locker.lock("a", wait=0)

    with pytest.raises(LockNotOwned):
        held.check()
    locker.lock("a", wait=0).release()


def test_given_a_lock_taken_away_when_released_then_it_was_lost(
    locker: Locker, redis: Redis
) -> None:
    with pytest.raises(LockLost), locker.lock("a") as held:
        redis.set("lock:a", "somebody else")

    assert held.lost.is_set()
    assert redis.get("lock:a") == b"somebody else"


def test_given_a_lost_lock_when_the_body_fails_then_its_own_error_is_raised(
    locker: Locker, redis: Redis
) -> None:
    def body() -> None:
        with locker.lock("a"):
            redis.delete("lock:a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        body()


def test_given_plain_set_nx_code_when_it_holds_then_we_wait_for_it(
    locker: Locker, redis: Redis
) -> None:
    redis.set("lock:a", "plain", nx=True, px=60_000)
    waiter = Waiter(lambda: locker.lock("a", wait=5).release())
    until(lambda: queued(redis, "a") == 1)

    redis.delete("lock:a")

    assert waiter.result(1) is None


def test_given_our_holder_when_plain_set_nx_code_tries_then_it_fails(
    locker: Locker, redis: Redis
) -> None:
    with locker.lock("a"):
        assert redis.set("lock:a", "plain", nx=True, px=1000) is None


@pytest.mark.parametrize(
    ("keys", "options"),
    [
        ([], {}),
        ([""], {}),
        (["x" * 2000], {}),
        (["a"], {"ttl": 0}),
        (["a"], {"ttl": float("nan")}),
        (["a"], {"wait": -1}),
        (["a"], {"wait": float("nan")}),
    ],
)
def test_given_nonsense_then_it_is_refused(
    locker: Locker, keys: list[str], options: dict[str, Any]
) -> None:
    if keys == [""]:
        locker = Locker(locker.client, prefix="")
    with pytest.raises(ValueError, match=r"\S"):
        locker.lock_all(keys, **options)
