"""How much of a feed is taken, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    bytes: int = 512 * 2**20
    """Of the whole feed, unpacked: several million rows."""
    seconds: float = 300.0
    """For all downloads together; a server that trickles must not hold a worker."""
    pages: int = 10_000


SYNC = Limits()
TRIAL = Limits(seconds=20.0, pages=3)
"""For a person who waits at a page; the web server would end a longer request."""
