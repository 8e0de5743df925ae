"""Processes that take one lock again and again, and somebody who makes trouble for them."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from math import inf
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from pathlib import Path
from time import monotonic
from typing import Any

from tasks.locks import Held, Locker, LockError, LockLost, LockNotOwned, StaleFence, locker
from tasks.locks.acquisition import Acquisition
from tasks.locks.owner import read_owner
from tests.tasks.locks.history import Fault, History, Section
from tests.tasks.locks.register import Register
from tests.tasks.locks.servers import PrivateRedis

TTL_S = 0.8
"""Long enough for a busy machine not to lose a lock, short enough to be stopped past."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where the workers meet."""

    server: PrivateRedis
    folder: Path
    fenced: bool = True
    readers: float = 0
    """How much of the visits is shared."""

    def history(self) -> History:
        return History(self.folder / "history")

    def register(self) -> Register:
        return Register(self.folder / "register", fenced=self.fenced)


class Worker:
    """A process that works in a loop, until it is killed."""

    def __init__(self, site: Site, *, seed: int, work: Work) -> None:
        self._site, self._work = site, work
        self.process: ForkProcess = get_context("fork").Process(
            target=work, args=(site, seed), daemon=True
        )
        self.process.start()
        assert self.process.pid
        self.pid: int = self.process.pid

    def successor(self, *, seed: int) -> Worker:
        return Worker(self._site, seed=seed, work=self._work)

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


class Noting:
    """Notes what only the acquisition itself knows, in a process of its own."""

    def __init__(self) -> None:
        self.wish = Section(pid=os.getpid(), asked=monotonic())

    @classmethod
    def put_in(cls, history: History) -> Noting:
        note = cls()

        class Noted(Acquisition):
            def _listen(self, ask_again_ms: int) -> int | bytes | None:
                if note.wish.queued == inf:
                    note.wish = replace(note.wish, queued=monotonic())
                    history.write(note.wish)
                heard = super()._listen(ask_again_ms)
                if heard is None:
                    note.wish = replace(note.wish, listened=monotonic())
                return heard

            def _confirm(self, token: int, age_s: float) -> float | None:
                taken_at = super()._confirm(token, age_s)
                if taken_at is None:
                    now = monotonic()
                    end = now + self._timing.grant_s
                    history.write(
                        Fault(kind="overslept", pid=os.getpid(), start=now - age_s, end=end)
                    )
                return taken_at

        module: Any = locker
        module.Acquisition = Noted
        return note


def take_turns(site: Site, seed: int) -> None:
    """Take the lock, begin, work a little, end, let go."""
    uniform = random.Random(seed).uniform
    taking = Locker(site.server.client())
    history, register = site.history(), site.register()
    note = Noting.put_in(history)
    for count in range(1 << 30):
        shared = uniform(0, 1) < site.readers
        wish = Section(pid=os.getpid(), asked=monotonic(), shared=shared)
        history.write(wish)
        note.wish = wish
        long = seed == 0 and count == 5  # needs to be renewed
        try:
            held = taking.lock("hot", ttl=TTL_S, wait=10, shared=shared)
        except LockError:
            history.write(replace(note.wish, outcome="gave up"))
        else:
            given = held.token / 1e6 - (time.time() - monotonic())
            section = replace(
                note.wish, token=held.token, given=given, got=monotonic(), outcome="inside"
            )
            history.write(section)
            history.write(
                _visit(held, register, section, TTL_S * 1.2 if long else uniform(0, 0.01))
            )
        time.sleep(uniform(0, 0.005))


@contextmanager
def crowd(site: Site, *, size: int, work: Work = take_turns) -> Iterator[list[Worker]]:
    workers = [Worker(site, seed=seed, work=work) for seed in range(size)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()


class Trouble:
    """Each method makes one kind of it and writes it down."""

    def __init__(self, site: Site, workers: list[Worker], random_: random.Random) -> None:
        self._site = site
        self._workers = workers
        self._random = random_
        self._history = site.history()
        self._client = site.server.client(decode_responses=True)

    def kill(self) -> None:
        """kill -9 of a worker, wherever it is; another one takes its place."""
        self._kill(self._random.choice(self._workers))

    def kill_last_waiter(self) -> None:
        """kill -9 of the worker whose turn is furthest away."""
        pid = 0
        while pid not in {worker.pid for worker in self._workers}:
            line = self._client.zrange("{lock:hot}:queue", 0, -1)
            owner = read_owner(str(line[-1])) if len(line) > len(self._workers) / 2 else None
            pid = owner.pid if owner else 0
        self._kill(next(worker for worker in self._workers if worker.pid == pid))

    def kill_holder(self) -> None:
        """kill -9 of the worker that is inside."""
        self._kill(self._holder())

    def _kill(self, worker: Worker) -> None:
        start = monotonic()
        worker.kill()
        self._client.ping()  # by the second answer Redis has noticed the end of the connection
        self._client.ping()
        self._history.write(Fault(kind="killed", pid=worker.pid, start=start, end=monotonic()))
        successor = worker.successor(seed=self._random.randrange(1 << 30))
        self._workers[self._workers.index(worker)] = successor

    def stop(self) -> None:
        """SIGSTOP of a worker for longer than the lock's ttl."""
        self._stop(self._random.choice(self._workers))

    def stop_holder(self) -> None:
        """SIGSTOP of the worker that is inside, past its ttl."""
        self._stop(self._holder())

    def _holder(self) -> Worker:
        pid = 0
        while pid not in {worker.pid for worker in self._workers}:
            owner = read_owner(str(self._client.get("lock:hot")))
            pid = owner.pid if owner else 0
        return next(worker for worker in self._workers if worker.pid == pid)

    def _stop(self, worker: Worker) -> None:
        with self._noted("stopped", worker.pid):
            worker.stop()
            time.sleep(TTL_S * 1.3)
            worker.go_on()

    def cut(self) -> None:
        """CLIENT KILL of all the locks' connections."""
        with self._noted("cut", 0):
            self._client.client_kill_filter(_type="pubsub")

    def flush(self) -> None:
        with self._noted("forgot", 0):
            self._client.flushall()

    def restart(self) -> None:
        """Redis is killed and comes back with nothing."""
        with self._noted("forgot", 0):
            self._site.server.restart()

    def quiet(self) -> None:
        time.sleep(0.2)

    @contextmanager
    def _noted(self, kind: str, pid: int) -> Iterator[None]:
        start = monotonic()
        yield
        # What it does to those who wait shows until they have asked again.
        end = monotonic() + (0.3 if kind == "stopped" else 1.2)
        self._history.write(Fault(kind=kind, pid=pid, start=start, end=end))


def _visit(held: Held, register: Register, section: Section, pause_s: float) -> Section:
    outcome = _read(pause_s) if section.shared else _inside(held, register, pause_s)
    left, gone = monotonic(), inf
    try:
        held.check()  # it was ours until `left`
        held.release()
        gone = monotonic()
    except LockLost:
        outcome = "lost"
        with suppress(LockLost, LockNotOwned):
            held.release()
    return replace(section, left=left, gone=gone, outcome=outcome)


def _read(pause_s: float) -> str:
    time.sleep(pause_s)
    return "done"


def _inside(held: Held, register: Register, pause_s: float) -> str:
    """A section of two writes, which must stay together."""
    try:
        register.write("begin", held.token)
        time.sleep(pause_s)
        register.write("end", held.token)
    except StaleFence:
        return "stale"
    return "done"


Work = Callable[[Site, int], None]
"""What a worker does, with a seed of its own."""
Step = Callable[[Trouble], None]
