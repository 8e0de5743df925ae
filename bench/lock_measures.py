"""One measurement each: alone, in a crowd, crossing keys, after a death, selling out a row."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from time import monotonic, perf_counter

import psycopg

from bench.lock_contenders import TTL_S, Contender, NotEntered, Servers, baton
from bench.lock_crowd import WAIT_S, Crowd, crowd
from tasks.locks import Held, Locker

PAIRS = 1000
CROWD = 8
SECTION_S = 0.001
CROWD_S = 3.0
UNITS = 2000
DEATH_TTL_S = 1.0

_names = (f"bench{number}" for number in count())

Take = Callable[[Servers], AbstractContextManager[Callable[[], None]]]
"""A client for the block; what it yields takes one unit of the row, surely."""


def pairs_per_s(contender: Contender, servers: Servers) -> float:
    """Uncontended acquire and release of one key."""
    section, keys = contender(servers), [next(_names)]
    with section(keys, 5):
        pass
    started = perf_counter()
    for _ in range(PAIRS):
        with section(keys, 5):
            pass
    return PAIRS / (perf_counter() - started)


def ping_pairs_per_s(servers: Servers) -> float:
    """Two PINGs through redis-py: what two round trips cost."""
    client = servers.redis()
    client.ping()
    started = perf_counter()
    for _ in range(PAIRS):
        client.ping()
        client.ping()
    return PAIRS / (perf_counter() - started)


def ideal_per_s() -> float:
    """Sections one after the other in one process without any lock."""
    started = perf_counter()
    for _ in range(500):
        time.sleep(SECTION_S)
    return 500 / (perf_counter() - started)


def hot_key(contender: Contender, servers: Servers) -> Crowd:
    """Eight processes on one key, sections of 1 ms."""
    key = next(_names)
    if contender is baton:
        servers.redis().rpush(f"baton:{key}", "go")
    return crowd(
        contender,
        servers,
        keys_of=lambda _: [key],
        size=CROWD,
        seconds=CROWD_S,
        section_s=SECTION_S,
    )


def crossing_keys(contender: Contender, servers: Servers) -> Crowd:
    """Four processes on two keys, half of them in the other order."""
    first, second = next(_names), next(_names)
    orders = ([first, second], [second, first])
    return crowd(
        contender,
        servers,
        keys_of=lambda number: orders[number % 2],
        size=4,
        seconds=CROWD_S,
        section_s=SECTION_S,
    )


def after_a_holders_death_ms(servers: Servers) -> float:
    """kill -9 of a holder: how long after its ttl the next waiter is in."""
    key = next(_names)
    holder = _doomed(lambda: _hold(servers, key))
    waiting = Locker(servers.redis())
    while not servers.redis().exists(f"lock:{key}"):
        time.sleep(0.001)
    _kill(holder)
    ends = monotonic() + servers.redis().pttl(f"lock:{key}") / 1000
    with waiting.lock(key, wait=10):
        return (monotonic() - ends) * 1000


def after_a_waiters_death_ms(servers: Servers) -> float:
    """kill -9 of the first in line: how long after the release the second is in."""
    key = next(_names)
    held = Locker(servers.redis()).lock(key)
    doomed = _doomed(lambda: _hold(servers, key))
    redis = servers.redis()
    while not redis.zcard(f"{{lock:{key}}}:queue"):
        time.sleep(0.001)
    context = get_context("fork")
    mine, theirs = context.Pipe()

    def wait() -> None:
        Locker(servers.redis()).lock(key, wait=10)
        theirs.send(monotonic())

    second = context.Process(target=wait, daemon=True)
    second.start()
    while redis.zcard(f"{{lock:{key}}}:queue") < 2:
        time.sleep(0.001)
    _kill(doomed)
    released = monotonic()
    held.release()
    return float((mine.recv() - released) * 1000)


def sell_out_per_s(take: Take, servers: Servers, *, waiting: int = CROWD) -> float:
    """2,000 units of one row are taken, one at a time, by eight processes in which `waiting`
    threads share the work. Checks that none is left. Starting them is not counted.
    """
    with psycopg.connect(servers.dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_stock")
        connection.execute("CREATE TABLE bench_stock (id int PRIMARY KEY, left_ int NOT NULL)")
        connection.execute("INSERT INTO bench_stock VALUES (1, %s)", [UNITS])
        context = get_context("fork")
        # They are ready when all have connected, and the clock starts when they are let go.
        ready = context.Barrier(CROWD + 1)
        each = UNITS // waiting
        sellers = [
            context.Process(
                target=_sell, args=(take, servers, waiting // CROWD, each, ready), daemon=True
            )
            for _ in range(CROWD)
        ]
        for seller in sellers:
            seller.start()
        ready.wait()
        start = perf_counter()
        for seller in sellers:
            seller.join()
        seconds = perf_counter() - start
        [left] = connection.execute("SELECT left_ FROM bench_stock").fetchone() or [-1]
    if left != 0:
        raise AssertionError(f"{left} units left of {UNITS}: oversold or lost")
    return UNITS / seconds


def by_lock(contender: Contender) -> Take:
    """Read, think, write: safe only under the lock."""

    @contextmanager
    def take(servers: Servers) -> Iterator[Callable[[], None]]:
        section = contender(servers)

        def one() -> None:
            while True:
                with suppress(NotEntered), section(["hot row"], WAIT_S):
                    row = connection.execute("SELECT left_ FROM bench_stock WHERE id = 1")
                    [left] = row.fetchone() or [0]
                    connection.execute("UPDATE bench_stock SET left_ = %s", [left - 1])
                    break

        with psycopg.connect(servers.dsn, autocommit=True) as connection:
            yield one

    return take


@contextmanager
def by_row_lock(servers: Servers) -> Iterator[Callable[[], None]]:
    """SELECT … FOR UPDATE."""

    def one() -> None:
        with connection.transaction():
            row = connection.execute("SELECT left_ FROM bench_stock WHERE id = 1 FOR UPDATE")
            [left] = row.fetchone() or [0]
            connection.execute("UPDATE bench_stock SET left_ = %s", [left - 1])

    with psycopg.connect(servers.dsn, autocommit=True) as connection:
        yield one


@contextmanager
def by_condition(servers: Servers) -> Iterator[Callable[[], None]]:
    """One conditional UPDATE, no reading before."""

    def one() -> None:
        connection.execute("UPDATE bench_stock SET left_ = left_ - 1 WHERE left_ > 0")

    with psycopg.connect(servers.dsn, autocommit=True) as connection:
        yield one


@contextmanager
def by_combining(servers: Servers) -> Iterator[Callable[[], None]]:
    """Group commit: whoever has the lock takes a unit for each that waits, in one statement."""
    locker = Locker(servers.redis())

    def serve(_: Held, requests: Sequence[bytes]) -> list[bytes]:
        sold = connection.execute(
            "UPDATE bench_stock SET left_ = left_ - %(n)s WHERE left_ >= %(n)s",
            {"n": len(requests)},
        ).rowcount
        if sold != 1:
            raise AssertionError("sold out in mid-measurement")
        return [b"sold"] * len(requests)

    def one() -> None:
        locker.combine("hot row", b"one", serve, ttl=TTL_S, wait=60)

    with psycopg.connect(servers.dsn, autocommit=True) as connection:
        yield one


def _sell(take: Take, servers: Servers, threads: int, units: int, ready: Barrier) -> None:
    """One process: `threads` clients that take so many units each."""
    inside = threading.Barrier(threads + 1)
    go = threading.Event()

    def client() -> None:
        with take(servers) as one:
            inside.wait()
            go.wait()
            for _ in range(units):
                one()

    clients = [threading.Thread(target=client) for _ in range(threads)]
    for each in clients:
        each.start()
    inside.wait()
    ready.wait()
    go.set()
    for each in clients:
        each.join()


def _hold(servers: Servers, key: str) -> None:
    with Locker(servers.redis()).lock(key, ttl=DEATH_TTL_S, wait=60):
        time.sleep(60)


def _doomed(body: Callable[[], None]) -> int:
    process = get_context("fork").Process(target=body, daemon=True)
    process.start()
    assert process.pid
    return process.pid


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
