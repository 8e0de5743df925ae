"""Many processes at one lock, and what each of them lived through."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import quantiles
from time import monotonic

from bench.lock_contenders import Contender, NotEntered, Servers

WAIT_S = 5.0
OUTSIDE_S = 0.001
"""What a process does elsewhere between two sections. Without it an unfair lock's last holder takes
it again before anybody wakes up, and one process does all the work."""
START_S = 0.7
"""Time for all processes to connect before the first section, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One section. Times of `monotonic()`, which all processes of a machine share."""

    asked: float
    got: float
    left: float


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """All visits of each process, and how often one of them didn't get in."""

    visits: tuple[tuple[Visit, ...], ...]
    timeouts: int
    seconds: float

    @property
    def per_s(self) -> float:
        return sum(map(len, self.visits)) / self.seconds

    @property
    def hand_offs_ms(self) -> tuple[float, float]:
        """p50 and p99 of the time from one section's end to the next one's beginning."""
        everyone = sorted(
            (visit for visits in self.visits for visit in visits), key=lambda visit: visit.got
        )
        gaps = [(second.got - first.left) * 1000 for first, second in pairwise(everyone)]
        cuts = quantiles(gaps, n=100)
        return cuts[49], cuts[98]

    @property
    def longest_wait_ms(self) -> float:
        return max(visit.got - visit.asked for visits in self.visits for visit in visits) * 1000

    @property
    def unfairness(self) -> float:
        """Most sections of a process by the fewest of one."""
        counts = [len(visits) for visits in self.visits]
        return max(counts) / max(min(counts), 1)


def crowd(
    contender: Contender,
    servers: Servers,
    *,
    keys_of: Callable[[int], Sequence[str]],
    size: int,
    seconds: float,
    section_s: float,
) -> Crowd:
    """`size` processes take their keys again and again for `seconds`."""
    context = get_context("fork")
    start = monotonic() + START_S
    pipes, processes = [], []
    for number in range(size):
        ours, theirs = context.Pipe()
        arguments = (contender, servers, keys_of(number), start, seconds, section_s, theirs)
        process = context.Process(target=_take_turns, args=arguments, daemon=True)
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    results = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    return Crowd(
        visits=tuple(
            tuple(Visit(asked=a, got=g, left=f) for a, g, f in rows) for rows, _ in results
        ),
        timeouts=sum(timeouts for _, timeouts in results),
        seconds=seconds,
    )


def _take_turns(
    contender: Contender,
    servers: Servers,
    keys: Sequence[str],
    start: float,
    seconds: float,
    section_s: float,
    pipe: Connection,
) -> None:
    section = contender(servers)
    rows: list[tuple[float, float, float]] = []
    timeouts = 0
    time.sleep(max(start - monotonic(), 0))
    end = start + seconds
    while (asked := monotonic()) < end:
        try:
            with section(keys, WAIT_S):
                got = monotonic()
                time.sleep(section_s)
                left = monotonic()
        except NotEntered:
            timeouts += 1
            continue
        if left < end:
            rows.append((asked, got, left))
        time.sleep(OUTSIDE_S)
    pipe.send((rows, timeouts))
