"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is not as it should be."""

    what: str
    """What it is, in a sentence."""
    do: str
    """What to do about it, in a sentence."""
    serious: bool = True
    """False for a hint: nothing is broken."""
