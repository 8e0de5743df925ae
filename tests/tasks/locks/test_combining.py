"""Whoever holds the lock serves those who wait for it: who is served, by whom, what they hear."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import get_context
from threading import Event

import pytest
from redis import Redis

from tasks.locks import Held, Locker, LockLost, LockTimeout, LockUnavailable, wires
from tasks.locks.combining import MAX_BYTES, Serve
from tasks.locks.timing import Timing
from tasks.locks.wire import Wire
from tests.tasks.locks.crowd import Waiter, in_line, queued
from tests.tasks.locks.servers import PrivateRedis
from tests.tasks.locks.waiting import until

NewLocker = Callable[[], Locker]


def ask(
    new_locker: NewLocker, request: bytes, serve: Serve, *, wait: float = 10, most: int = 500
) -> Callable[[], bytes]:
    """A body for `in_line`: one client's wish for the key `a`."""
    return partial(_combine, new_locker, request, serve, wait=wait, most=most)


def _combine(
    new_locker: NewLocker, request: bytes, serve: Serve, *, wait: float, most: int
) -> bytes:
    return new_locker().combine("a", request, serve, wait=wait, most=most)


class Counter:
    """Serves, and remembers which requests came together."""

    def __init__(self) -> None:
        self.batches: list[tuple[bytes, ...]] = []
        self.tokens: list[int] = []

    def __call__(self, held: Held, requests: Sequence[bytes]) -> list[bytes]:
        self.batches.append(tuple(requests))
        self.tokens.append(held.token)
        return [request.upper() for request in requests]


class SlowCounter(Counter):
    """One that stays inside until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.go_on = Event(), Event()

    def __call__(self, held: Held, requests: Sequence[bytes]) -> list[bytes]:
        self.inside.set()
        assert self.go_on.wait(10)
        return super().__call__(held, requests)


def test_given_nobody_else_then_it_serves_itself_and_lets_go(locker: Locker, redis: Redis) -> None:
    counter = Counter()

    assert locker.combine("a", b"one", counter) == b"ONE"
    assert locker.combine("a", b"", counter) == b""
    assert counter.batches == [(b"one",), (b"",)]
    assert counter.tokens == sorted(set(counter.tokens))
    assert not redis.exists("lock:a")


def test_given_a_line_when_it_is_their_turn_then_the_first_serves_all_in_order(
    new_locker: NewLocker, redis: Redis
) -> None:
    counter = Counter()
    requests = [bytes([value, 0, 255 - value]) for value in (10, 20, 30)]  # any bytes will do
    with (
        new_locker().lock("a"),
        in_line(
            redis,
            "a",
            *(ask(new_locker, request, counter) for request in requests),
        ) as waiters,
    ):
        pass

    assert [waiter.result() for waiter in waiters] == [request.upper() for request in requests]
    assert counter.batches == [tuple(requests)]
    assert queued(redis, "a") == 0
    assert not redis.exists("lock:a", "{lock:a}:waiters")


def test_given_a_server_at_work_when_others_come_then_they_are_the_next_batch(
    new_locker: NewLocker, redis: Redis
) -> None:
    slow, counter = SlowCounter(), Counter()
    server = Waiter(ask(new_locker, b"slow", slow))
    assert slow.inside.wait(10)
    with in_line(
        redis,
        "a",
        ask(new_locker, b"b", counter),
        ask(new_locker, b"c", counter),
    ) as waiters:
        slow.go_on.set()

    assert server.result() == b"SLOW"
    assert [waiter.result() for waiter in waiters] == [b"B", b"C"]
    assert slow.batches == [(b"slow",)]
    assert counter.batches == [(b"b", b"c")]
    assert counter.tokens[0] > slow.tokens[0]


def test_given_an_ordinary_waiter_then_no_request_behind_it_is_served_before_it(
    new_locker: NewLocker, redis: Redis
) -> None:
    counter = Counter()
    tokens: list[int] = []

    def ordinary() -> None:
        with new_locker().lock("a", wait=10) as held:
            tokens.append(held.token)

    with (
        new_locker().lock("a"),
        in_line(
            redis,
            "a",
            ask(new_locker, b"one", counter),
            ask(new_locker, b"two", counter),
            ordinary,
            ask(new_locker, b"three", counter),
        ) as waiters,
    ):
        pass
    for waiter in waiters:
        waiter.result()

    assert counter.batches == [(b"one", b"two"), (b"three",)]
    assert counter.tokens[0] < tokens[0] < counter.tokens[1]


def test_given_a_waiter_of_several_keys_then_it_is_an_ordinary_one(
    new_locker: NewLocker, redis: Redis
) -> None:
    counter = Counter()

    def several() -> None:
        with new_locker().lock_all(["a", "b"], wait=10):
            counter.batches.append(())

    with (
        new_locker().lock("a"),
        in_line(
            redis,
            "a",
            several,
            ask(new_locker, b"one", counter),
        ) as waiters,
    ):
        pass
    for waiter in waiters:
        waiter.result()

    assert counter.batches == [(), (b"one",)]


def test_given_most_when_more_wait_then_the_others_are_served_next(
    new_locker: NewLocker, redis: Redis
) -> None:
    counter = Counter()
    with (
        new_locker().lock("a"),
        in_line(
            redis,
            "a",
            *(ask(new_locker, value, counter, most=2) for value in (b"a", b"b", b"c", b"d", b"e")),
        ) as waiters,
    ):
        pass

    assert [waiter.result() for waiter in waiters] == [b"A", b"B", b"C", b"D", b"E"]
    assert counter.batches == [(b"a", b"b"), (b"c", b"d"), (b"e",)]


def test_given_most_of_one_then_everybody_serves_itself(
    new_locker: NewLocker, redis: Redis
) -> None:
    counter = Counter()
    with (
        new_locker().lock("a"),
        in_line(
            redis,
            "a",
            ask(new_locker, b"a", counter, most=1),
            ask(new_locker, b"b", counter, most=1),
        ) as waiters,
    ):
        pass

    assert [waiter.result() for waiter in waiters] == [b"A", b"B"]
    assert counter.batches == [(b"a",), (b"b",)]


def test_given_serve_raises_then_only_its_caller_hears_and_the_next_serves_the_others(
    new_locker: NewLocker, redis: Redis
) -> None:
    def failing(held: Held, requests: Sequence[bytes]) -> list[bytes]:
        raise ZeroDivisionError

    counter = Counter()
    with (
        new_locker().lock("a"),
        in_line(
            redis,
            "a",
            ask(new_locker, b"bad", failing),
            ask(new_locker, b"b", counter),
            ask(new_locker, b"c", counter),
        ) as [bad, *good],
    ):
        pass

    assert isinstance(bad.result(), ZeroDivisionError)
    assert [waiter.result() for waiter in good] == [b"B", b"C"]
    assert counter.batches == [(b"b", b"c")]


def _too_few(held: Held, requests: Sequence[bytes]) -> list[bytes]:
    return []


def _too_long(held: Held, requests: Sequence[bytes]) -> list[bytes]:
    return [b"x" * (MAX_BYTES + 1)]


def test_given_what_does_not_fit_then_it_is_refused_and_the_lock_is_free(
    locker: Locker, redis: Redis
) -> None:
    counter = Counter()
    assert locker.combine("a", b"x" * MAX_BYTES, counter) == b"X" * MAX_BYTES
    with pytest.raises(ValueError, match="request"):
        locker.combine("a", b"x" * (MAX_BYTES + 1), counter)
    with pytest.raises(ValueError, match="most"):
        locker.combine("a", b"x", counter, most=0)
    with pytest.raises(ValueError, match="answers"):
        locker.combine("a", b"x", _too_few)
    with pytest.raises(ValueError, match="answer"):
        locker.combine("a", b"x", _too_long)

    assert len(counter.batches) == 1
    assert not redis.exists("lock:a")


def test_given_a_wait_that_ends_then_it_is_out_of_line_and_not_served(
    new_locker: NewLocker, redis: Redis
) -> None:
    counter = Counter()
    with new_locker().lock("a"):
        began = time.monotonic()
        with pytest.raises(LockTimeout):
            new_locker().combine("a", b"late", counter, wait=0.2)
        assert time.monotonic() - began < 0.4
        with pytest.raises(LockTimeout):
            new_locker().combine("a", b"impatient", counter, wait=0)
        assert not redis.exists("{lock:a}:queue", "{lock:a}:waiters")

    assert new_locker().combine("a", b"x", counter) == b"X"
    assert counter.batches == [(b"x",)]


def test_given_a_dead_waiter_then_it_is_not_served_and_costs_nobody_anything(
    new_locker: NewLocker, redis: Redis
) -> None:
    counter = Counter()
    with new_locker().lock("a"):
        doomed = get_context("fork").Process(target=ask(new_locker, b"dead", counter, wait=60))
        first = Waiter(ask(new_locker, b"first", counter))
        until(lambda: queued(redis, "a") == 1)
        doomed.start()
        until(lambda: queued(redis, "a") == 2)
        with in_line(redis, "a", ask(new_locker, b"last", counter)) as [last]:
            listening = len(redis.client_list(_type="pubsub"))
            doomed.kill()
            doomed.join()
            until(lambda: len(redis.client_list(_type="pubsub")) < listening)

    assert (first.result(), last.result()) == (b"FIRST", b"LAST")
    assert counter.batches == [(b"first", b"last")]


def test_given_a_server_that_loses_the_lock_then_it_hears_so_and_the_next_serves_its_waiters(
    new_locker: NewLocker, redis: Redis
) -> None:
    slow, counter = SlowCounter(), Counter()
    with (
        new_locker().lock("a"),
        in_line(
            redis,
            "a",
            ask(new_locker, b"lost", slow),
            ask(new_locker, b"b", counter),
            ask(new_locker, b"c", counter),
        ) as [server, *waiters],
    ):
        pass
    assert slow.inside.wait(10)
    redis.delete("lock:a")  # as if its ttl were over

    assert [waiter.result() for waiter in waiters] == [b"B", b"C"]
    slow.go_on.set()
    assert isinstance(server.result(), LockLost)
    assert slow.batches == [(b"lost", b"b", b"c")]
    assert counter.batches == [(b"b", b"c")]
    assert counter.tokens[0] > slow.tokens[0]


def test_given_a_flush_in_mid_serve_then_the_waiters_come_back_and_are_served_by_the_next(
    new_locker: NewLocker, redis: Redis
) -> None:
    slow, counter = SlowCounter(), Counter()
    server = Waiter(ask(new_locker, b"slow", slow))
    assert slow.inside.wait(10)
    with in_line(redis, "a", ask(new_locker, b"b", counter)) as [waiter]:
        redis.flushall()

    assert waiter.result() == b"B"
    slow.go_on.set()
    assert isinstance(server.result(), LockLost)


def test_given_a_waiters_connection_is_cut_in_mid_serve_then_it_is_served_all_the_same(
    new_locker: NewLocker, redis: Redis
) -> None:
    slow, counter = SlowCounter(), Counter()
    with (
        new_locker().lock("a"),
        in_line(
            redis,
            "a",
            ask(new_locker, b"slow", slow),
            ask(new_locker, b"b", counter),
        ) as waiters,
    ):
        pass
    assert slow.inside.wait(10)
    redis.client_kill_filter(_type="pubsub")
    slow.go_on.set()

    assert [waiter.result() for waiter in waiters] == [b"SLOW", b"B"]


class DeafWire(Wire):
    """Hears nothing until nobody is in line any more, and for another while."""

    redis: Redis
    deaf_for_s = 0.0

    def next_wakeup(self, owner: bytes, *, until: float) -> int | bytes | None:
        _until_nobody_waits(self.redis)
        time.sleep(self.deaf_for_s)
        self.__class__ = Wire  # type: ignore[assignment]
        return None


def _until_nobody_waits(redis: Redis) -> None:
    until(lambda: queued(redis, "a") == 0)


@pytest.mark.parametrize("wait_s", [10.0, 0.3])
def test_given_a_waiter_that_asks_again_or_gives_up_as_it_is_served_then_it_hears_and_is_gone(
    new_locker: NewLocker, redis: Redis, monkeypatch: pytest.MonkeyPatch, wait_s: float
) -> None:
    counter = Counter()
    held = new_locker().lock("a")
    with in_line(redis, "a", ask(new_locker, b"server", counter)) as [server]:
        monkeypatch.setattr(DeafWire, "redis", redis, raising=False)
        monkeypatch.setattr(DeafWire, "deaf_for_s", 0.4 if wait_s < 1 else 0.0)
        monkeypatch.setattr(wires, "Wire", DeafWire)
        with in_line(redis, "a", ask(new_locker, b"deaf", counter, wait=wait_s)) as [deaf]:
            monkeypatch.setattr(wires, "Wire", Wire)
            held.release()

    assert (server.result(), deaf.result()) == (b"SERVER", b"DEAF")
    assert counter.batches == [(b"server", b"deaf")]
    assert queued(redis, "a") == 0
    assert not redis.exists("lock:a")


def test_given_a_stopped_server_then_its_waiters_are_served_when_its_ttl_is_over(
    new_locker: NewLocker, redis: Redis
) -> None:
    def stop(held: Held, requests: Sequence[bytes]) -> list[bytes]:
        os.kill(os.getpid(), signal.SIGSTOP)
        return list(requests)

    counter = Counter()
    server = get_context("fork").Process(
        target=lambda: new_locker().combine("a", b"stops", stop, ttl=0.4)
    )
    server.start()
    until(lambda: redis.exists("lock:a") == 1)

    began = time.monotonic()
    assert new_locker().combine("a", b"x", counter, wait=10) == b"X"
    assert time.monotonic() - began < 0.8
    server.kill()
    server.join()


def test_given_a_long_serve_then_the_lock_is_renewed(new_locker: NewLocker, redis: Redis) -> None:
    def long(held: Held, requests: Sequence[bytes]) -> list[bytes]:
        end = time.monotonic() + 0.6
        until(lambda: time.monotonic() > end)
        held.check()
        return list(requests)

    with new_locker().lock("a"):
        waiter = Waiter(lambda: new_locker().combine("a", b"x", long, ttl=0.2, wait=10))
        until(lambda: queued(redis, "a") == 1)

    assert waiter.result() == b"x"


def test_given_redis_is_down_then_it_is_unavailable_and_nothing_is_served(
    own_redis: PrivateRedis,
) -> None:
    counter = Counter()
    locker = Locker(own_redis.client(), timing=Timing(socket_timeout_s=0.3))
    own_redis.stop()

    with pytest.raises(LockUnavailable):
        locker.combine("a", b"x", counter)
    assert counter.batches == []


def test_given_redis_goes_down_in_mid_serve_then_what_was_served_is_answered(
    own_redis: PrivateRedis,
) -> None:
    def break_redis(held: Held, requests: Sequence[bytes]) -> list[bytes]:
        own_redis.stop()
        return [b"done"]

    locker = Locker(own_redis.client(), timing=Timing(socket_timeout_s=0.3))

    assert locker.combine("a", b"x", break_redis) == b"done"
    own_redis.start()
