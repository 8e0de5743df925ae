"""What really happened to a lock, and everything that must never have.

Each process writes down its own sections; whoever makes trouble writes down its faults. Times are
`monotonic()`, which all processes of a machine share. `violations` then looks for what a correct
lock rules out, however the faults fell.

A busy machine must not look like a wrong lock. So nothing is judged by how late a process wrote
something down: it counts that a waiter was in line for certain (Redis had said so), and when Redis
gave the lock away (the token is that time), not when its new holder got a turn on the CPU.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import inf
from pathlib import Path

HAND_OVER_S = 0.25
"""Longest time between a release and Redis' giving the lock to who is in line, and between that and
its message's arrival, in seconds. The first is one script call, the second Redis' next step."""


FORGOTTEN_S = 2.0
"""After so long whoever died inside holds up nobody any more, in seconds: more than the ttl."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One wish for the lock and what became of it; written down at each step."""

    pid: int
    asked: float
    shared: bool = False
    """A reader: inside with other readers."""
    queued: float = inf
    """When it knew that it was in line."""
    listened: float = -inf
    """Until when it listened for its turn and heard nothing."""
    token: int = 0
    given: float = inf
    """When Redis gave it the lock."""
    got: float = inf
    left: float | None = None
    gone: float = inf
    """When it knew that Redis had taken the lock back."""
    outcome: str = "waiting"
    """waiting; gave up; inside (killed there); done; lost (the lock said so); stale (the guarded
    thing refused)."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Trouble that was made. `pid` 0 concerns everybody.

    forgot, cut, killed (until Redis noticed), stopped, overslept (a process got no CPU in time to
    confirm a lock handed to it).
    """

    kind: str
    pid: int
    start: float
    end: float


class History:
    """A file that several processes append to, a line at a time."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self._path = path

    def write(self, record: Section | Fault) -> None:
        line = {"type": type(record).__name__} | asdict(record)
        os.write(self._file, (json.dumps(line) + "\n").encode())

    def read(self) -> tuple[list[Section], list[Fault]]:
        """All wishes in the order of their fulfilment, and all faults."""
        wishes: dict[tuple[int, float], Section] = {}
        faults = []
        for line in self._path.read_text().splitlines():
            record = json.loads(line)
            if record.pop("type") == "Fault":
                faults.append(Fault(**record))
            else:
                wish = Section(**record)
                wishes[wish.pid, wish.asked] = wish  # a later line replaces an earlier one
        return sorted(wishes.values(), key=lambda wish: wish.got), faults


def violations(
    wishes: list[Section], faults: list[Fault], accepted: list[tuple[str, int]]
) -> list[str]:
    """A sentence for each thing that must not have happened; `accepted` as in `Register`."""
    sections = [wish for wish in wishes if wish.outcome not in ("waiting", "gave up")]
    return [
        *_overlaps(sections, faults),
        *_tokens(sections, faults),
        *_lost_without_cause(sections, faults),
        *_order(wishes, faults),
        *_slow_hand_overs(sections, faults, _unknown_readers(wishes, faults)),
        *_lost_wake_ups(sections, faults),
        *_interleaved(accepted),
    ]


def _overlaps(sections: list[Section], faults: list[Fault]) -> Iterator[str]:
    done = [section for section in sections if section.outcome == "done" and section.left]
    for number, first in enumerate(done):
        for second in done[number + 1 :]:
            assert first.left
            forgotten = _touching(faults, {"forgot"}, 0, first.got, first.left)
            together = first.shared and second.shared
            if second.got < first.left and not forgotten and not together:
                yield f"exclusion: {second.token} came in while {first.token} was inside"


def _tokens(sections: list[Section], faults: list[Fault]) -> Iterator[str]:
    # Who was stopped between getting a token and writing it down comes late to the record; and who
    # got one just before a flush may come after somebody who got in because of it.
    flushed = [fault.start for fault in faults if fault.kind == "forgot"]
    punctual = [
        section
        for section in sections
        if not _touching(faults, {"stopped"}, section.pid, section.asked, section.got)
        and not any(section.asked <= at <= section.got for at in flushed)
    ]
    writer = newest = 0
    for section in punctual:
        # Readers that are let in together wake up in any order.
        before = writer if section.shared else newest
        if section.token <= before:
            yield f"fencing: {section.token} was given out after {before}"
        newest = max(newest, section.token)
        if not section.shared:
            writer = max(writer, section.token)


def _lost_without_cause(sections: list[Section], faults: list[Fault]) -> Iterator[str]:
    for section in sections:
        if section.outcome in ("lost", "stale"):
            end = section.left or section.got
            kinds = {"stopped", "forgot"}
            if not _touching(faults, kinds, section.pid, section.got, end):
                yield f"renewal: {section.token} was lost though nothing happened to it"


def _order(wishes: list[Section], faults: list[Fault]) -> Iterator[str]:
    waited = [wish for wish in wishes if wish.queued < inf and wish.outcome != "gave up"]
    kinds = {"stopped", "forgot", "cut", "killed", "overslept"}
    for first in wishes:
        for second in waited:
            overtook = second.queued < first.asked and 0 < first.token < (second.token or inf)
            if overtook and not _touching(
                faults, kinds, second.pid, second.asked, min(second.got, first.got)
            ):
                before_s = first.asked - second.queued
                yield f"order: {first.token} overtook who had been in line for {before_s:.2f} s"


def _unknown_readers(wishes: list[Section], faults: list[Fault]) -> list[float]:
    """When readers were killed that may have been let in, with others, and not have written it."""
    waiting = {wish.pid for wish in wishes if wish.shared and wish.outcome == "waiting"}
    return [fault.start for fault in faults if fault.kind == "killed" and fault.pid in waiting]


def _slow_hand_overs(
    sections: list[Section], faults: list[Fault], unknown: list[float]
) -> Iterator[str]:
    for number, second in enumerate(sections):
        done = [section for section in sections[:number] if section.gone < inf]
        last = max(done, key=lambda section: section.gone, default=None)
        if last is None or not last.left or second.queued > last.left:
            continue
        # Somebody died inside, or lost it; nobody knows when that ended.
        ends = [section.got for section in sections[:number] if section.gone == inf] + unknown
        if any(last.left - FORGOTTEN_S < end <= second.given for end in ends):
            continue
        # Who was killed with the lock just handed to it, or unnoticed by Redis, costs its grant.
        disturbed = any(
            fault.start <= second.given
            and fault.end >= last.left - (0 if fault.kind == "killed" else 1)
            for fault in faults
        )
        pause_s = second.given - last.gone
        if pause_s > HAND_OVER_S and not disturbed:
            yield f"wake-up: {second.token} waited {pause_s:.2f} s for a lock that was free"


def _lost_wake_ups(sections: list[Section], faults: list[Fault]) -> Iterator[str]:
    for section in sections:
        in_vain_s = section.listened - section.given
        if in_vain_s > HAND_OVER_S and not _touching(
            faults, {"stopped", "forgot", "cut"}, section.pid, section.given, section.got
        ):
            yield f"wake-up: {section.token} was given, and not heard of for {in_vain_s:.2f} s"


def _interleaved(accepted: list[tuple[str, int]]) -> Iterator[str]:
    for (_, before), (what, token) in pairwise(accepted):
        if what == "end" and before != token:
            yield f"fence: {token} ended on top of what {before} began"


def _touching(faults: Iterable[Fault], kinds: set[str], pid: int, start: float, end: float) -> bool:
    return any(
        fault.kind in kinds
        and fault.pid in (0, pid)
        and fault.start <= end
        and fault.end >= start - 0.01
        for fault in faults
    )
