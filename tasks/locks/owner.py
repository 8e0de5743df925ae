"""Who holds or awaits a lock, as operators read it: host, process, job."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import lru_cache

from tasks.context import current_job

MARK = "lk1"
"""Starts what our locks' keys hold; anything else there is a foreign lock."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """One acquisition's owner, read back from Redis."""

    nonce: str
    host: str
    pid: int
    job: str
    token: int | None = None


def new_owner(nonce: str) -> str:
    """`lk1|nonce|host|pid|job`; the nonce makes it unique."""
    job = current_job()
    return f"{MARK}|{nonce}|{_place(os.getpid())}|{job.id if job else ''}"


def read_owner(text: str) -> Owner | None:
    """The owner of our own lock, or None for a foreign one's value."""
    parts = text.split("|")
    if parts[0] != MARK or len(parts) not in (5, 6) or not parts[3].isdigit():
        return None
    token = int(parts[5]) if len(parts) == 6 else None
    return Owner(nonce=parts[1], host=parts[2], pid=int(parts[3]), job=parts[4], token=token)


@lru_cache(maxsize=1)
def _place(pid: int) -> str:
    return f"{socket.gethostname().replace('|', '-')}|{pid}"
