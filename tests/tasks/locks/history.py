"""What really happened to a lock, and everything that must never have.

Each process writes down its own sections; whoever makes trouble writes down its faults. Times are
`monotonic()`, which all processes of a machine share. `violations` then looks for what a correct
lock rules out, however the faults fell.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import inf
from pathlib import Path

FIFO_SLACK_S = 0.3
"""Who asks so much later must not be first, in seconds (a busy machine delays the asking)."""

HAND_OVER_S = 0.5
"""Longest time between one section and the next one's start while somebody waits, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One wish for the lock and what became of it; written down at each step."""

    pid: int
    asked: float
    token: int = 0
    got: float = inf
    left: float | None = None
    outcome: str = "waiting"
    """waiting; gave up; inside (killed there); done; lost (the lock said so); stale (the guarded
    thing refused)."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Trouble that was made. `pid` 0 concerns everybody."""

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
        *_slow_hand_overs(sections, faults),
        *_interleaved(accepted),
    ]


def _overlaps(sections: list[Section], faults: list[Fault]) -> Iterator[str]:
    done = [section for section in sections if section.outcome == "done" and section.left]
    for number, first in enumerate(done):
        for second in done[number + 1 :]:
            assert first.left
            forgotten = _touching(faults, {"forgot"}, 0, first.got, first.left)
            if second.got < first.left and not forgotten:
                yield f"exclusion: {second.token} came in while {first.token} was inside"


def _tokens(sections: list[Section], faults: list[Fault]) -> Iterator[str]:
    # Who was stopped between getting a token and writing it down comes late to the record.
    punctual = [
        section
        for section in sections
        if not _touching(faults, {"stopped"}, section.pid, section.asked, section.got)
    ]
    for first, second in pairwise(punctual):
        if second.token <= first.token:
            yield f"fencing: {second.token} was given out after {first.token}"


def _lost_without_cause(sections: list[Section], faults: list[Fault]) -> Iterator[str]:
    for section in sections:
        if section.outcome in ("lost", "stale"):
            end = section.left or section.got
            kinds = {"stopped", "forgot"}
            if not _touching(faults, kinds, section.pid, section.got, end):
                yield f"renewal: {section.token} was lost though nothing happened to it"


def _order(wishes: list[Section], faults: list[Fault]) -> Iterator[str]:
    for number, first in enumerate(wishes):
        for second in wishes[number + 1 :]:
            if "gave up" in (first.outcome, second.outcome) or first.got == inf:
                continue
            kinds = {"stopped", "forgot", "cut", "killed"}
            disturbed = _touching(faults, kinds, second.pid, second.asked, second.got)
            if second.asked + FIFO_SLACK_S < first.asked and not disturbed:
                before_s = first.asked - second.asked
                yield f"order: {first.token} overtook who had asked {before_s:.2f} s before"


def _slow_hand_overs(sections: list[Section], faults: list[Fault]) -> Iterator[str]:
    for first, second in pairwise(sections):
        if first.outcome != "done" or not first.left or second.asked > first.left:
            continue
        disturbed = any(
            fault.kind != "killed" and fault.start < second.got and fault.end > first.left - 1
            for fault in faults
        )
        if second.got - first.left > HAND_OVER_S and not disturbed:
            pause = second.got - first.left
            yield f"wake-up: {second.token} waited {pause:.2f} s for a lock that was free"


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
