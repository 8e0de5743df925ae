"""Readers together, a writer alone, and nobody overtaken."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context

import pytest
from redis import Redis

from tasks.locks import Held, Lock, Locker, LockLost, LockTimeout
from tests.tasks.locks.crowd import Waiter, in_line, queued
from tests.tasks.locks.waiting import until

NewLocker = Callable[[], Locker]


def wish(new_locker: NewLocker, *keys: str, shared: bool) -> Callable[[], Held]:
    return partial(_take, new_locker, keys or ("a",), shared=shared)


def _take(new_locker: NewLocker, keys: tuple[str, ...], *, shared: bool) -> Held:
    return new_locker().lock_all(keys, wait=10, shared=shared)


def got(waiter: Waiter) -> Held:
    held = waiter.result()
    assert isinstance(held, Held)
    return held


def test_given_readers_then_they_are_inside_together_and_a_writer_is_not(
    new_locker: NewLocker, redis: Redis
) -> None:
    first = new_locker().lock("a", wait=0, shared=True)
    second = new_locker().lock("a", wait=0, shared=True)
    assert second.token > first.token
    with pytest.raises(LockTimeout):
        new_locker().lock("a", wait=0)
    first.release()
    with pytest.raises(LockTimeout):
        new_locker().lock("a", wait=0)
    second.check()
    second.release()

    assert not redis.exists("lock:a")
    assert new_locker().lock("a", wait=0).token > second.token


def test_given_a_writer_then_no_reader_is_inside(new_locker: NewLocker) -> None:
    with new_locker().lock("a") as held, pytest.raises(LockTimeout):
        new_locker().lock("a", wait=0, shared=True)

    assert new_locker().lock("a", wait=0, shared=True).token > held.token


def test_given_plain_set_nx_code_then_readers_and_it_exclude_each_other(
    new_locker: NewLocker, redis: Redis
) -> None:
    with new_locker().lock("a", shared=True):
        assert redis.set("lock:a", "plain", nx=True, px=1000) is None
        assert not Lock(redis, "lock:a", timeout=5, blocking=False).acquire()
    redis.set("lock:a", "plain", nx=True, px=60_000)
    with pytest.raises(LockTimeout):
        new_locker().lock("a", wait=0, shared=True)
    reader = Waiter(wish(new_locker, shared=True))
    until(lambda: queued(redis, "a") == 1)
    redis.delete("lock:a")

    got(reader).check()


def test_given_a_waiting_writer_then_later_readers_wait_behind_it_and_come_in_together(
    new_locker: NewLocker, redis: Redis
) -> None:
    first = new_locker().lock("a", shared=True)
    with in_line(
        redis,
        "a",
        wish(new_locker, shared=False),
        wish(new_locker, shared=True),
        wish(new_locker, shared=True),
        wish(new_locker, shared=False),
    ) as [writer, second, third, last]:
        with pytest.raises(LockTimeout):
            new_locker().lock("a", wait=0, shared=True)
        first.release()
        alone = got(writer)
        assert second.is_alive() and third.is_alive() and last.is_alive()
        alone.release()
        readers = [got(second), got(third)]
        for reader in readers:
            reader.check()
            assert last.is_alive()
            reader.release()
        end = got(last)

    tokens = [first.token, alone.token, *(reader.token for reader in readers), end.token]
    assert tokens == sorted(set(tokens))


def test_given_a_killed_writer_in_line_then_a_reader_does_not_wait_behind_it(
    new_locker: NewLocker, redis: Redis
) -> None:
    with new_locker().lock("a", shared=True):
        doomed = get_context("fork").Process(target=wish(new_locker, shared=False))
        doomed.start()
        until(lambda: queued(redis, "a") == 1)
        listening = len(redis.client_list(_type="pubsub"))
        doomed.kill()
        doomed.join()
        until(lambda: len(redis.client_list(_type="pubsub")) < listening)

        new_locker().lock("a", wait=0, shared=True).release()


def test_given_a_woken_reader_then_it_has_its_full_ttl(new_locker: NewLocker, redis: Redis) -> None:
    held = new_locker().lock("a")
    with in_line(redis, "a", wish(new_locker, shared=True)) as [reader]:
        held.release()
    got(reader)

    until(lambda: redis.pttl("lock:a") > 20_000)


def test_given_a_dead_reader_then_a_writer_waits_for_its_ttl_and_no_longer(
    new_locker: NewLocker, redis: Redis
) -> None:
    def reader(ttl_s: float) -> Held:
        return new_locker().take(("lock:a",), ttl_s=ttl_s, wait_s=0, renewed=False, shared=True)

    began = time.monotonic()
    reader(0.4)  # never heard of again
    reader(60).release()
    writer = new_locker().lock("a", wait=5)

    assert 0.4 <= time.monotonic() - began < 0.6
    assert not redis.exists("{lock:a}:queue")
    writer.release()


def test_given_a_reader_then_it_alone_is_renewed_or_lost(
    new_locker: NewLocker, redis: Redis
) -> None:
    kept = new_locker().lock("a", ttl=0.3, shared=True)
    left = new_locker().take(("lock:a",), ttl_s=0.1, wait_s=0, renewed=False, shared=True)
    end = time.monotonic() + 0.6
    until(lambda: time.monotonic() > end)

    kept.check()
    with pytest.raises(LockLost):
        left.check()
    with pytest.raises(LockLost):
        left.release()
    kept.check()
    redis.delete("lock:a")
    assert kept.lost.wait(0.3)


def test_given_several_keys_then_readers_take_all_or_none(new_locker: NewLocker) -> None:
    with new_locker().lock("b"):
        with pytest.raises(LockTimeout):
            new_locker().lock_all(["a", "b"], wait=0, shared=True)
        new_locker().lock("a", wait=0).release()
    with (
        new_locker().lock_all(["a", "b"], wait=0, shared=True),
        new_locker().lock_all(["b", "c"], wait=0, shared=True),
    ):
        for key in ("a", "b", "c"):
            with pytest.raises(LockTimeout):
                new_locker().lock(key, wait=0)


def test_given_a_reader_of_many_keys_behind_a_reader_then_a_leaving_writer_lets_both_in(
    new_locker: NewLocker, redis: Redis
) -> None:
    held = new_locker().lock_all(["a", "b"])
    with in_line(
        redis,
        "a",
        wish(new_locker, shared=True),
        wish(new_locker, "a", "b", shared=True),
        wish(new_locker, shared=True),
    ) as waiters:
        held.release()

    for waiter in waiters:
        got(waiter).check()


def test_given_crossing_key_orders_of_readers_and_writers_then_all_get_through(
    new_locker: NewLocker,
) -> None:
    def work(keys: list[str], *, shared: bool) -> Callable[[], int]:
        def body() -> int:
            locker = new_locker()
            for _ in range(30):
                with locker.lock_all(keys, wait=10, shared=shared):
                    pass
            return 30

        return body

    wishes = [(["a", "b"], True), (["b", "a"], False), (["b", "c"], True), (["c", "a"], False)]
    crowd = [Waiter(work(keys, shared=shared)) for keys, shared in wishes]

    assert [waiter.result(30) for waiter in crowd] == [30] * 4
