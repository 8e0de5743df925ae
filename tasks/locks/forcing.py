"""Taking a lock from its holder by force, on record.

The holder finds out at its next renewal or `check`, and its later writes to fenced rows are
refused. The lock goes to the next in line.
"""

from __future__ import annotations

import logging
from dataclasses import asdict

from django.db import transaction

from tasks import audit_log
from tasks.locks.errors import LockUnavailable
from tasks.locks.inspection import HolderInfo
from tasks.locks.locker import Locker

logger = logging.getLogger(__name__)

ACTION = "lock.release"


def force_release(
    locker: Locker, key: str, holder: HolderInfo, *, actor: str, reason: str = ""
) -> bool:
    """Take the lock `key` from this acquisition of it; False when it had ended already.

    What was looked at is what is taken: a holder that came in between keeps its lock. The audit
    log gets an entry, or nothing is done. Raises `LockUnavailable` when Redis may or may not have
    done it, which goes on record too.
    """
    try:
        with transaction.atomic():
            # First the entry, so that a log which can't be written stops it.
            _record(key, holder, actor, reason, outcome="released")
            released = locker.release_value((locker.prefix + key,), holder.value.encode())
            transaction.set_rollback(not released)
    except LockUnavailable:
        _record(key, holder, actor, reason, outcome="unknown")
        raise
    if released:
        logger.warning("Lock %s (%s) was released by %s: %s", key, holder.value, actor, reason)
    return released


def _record(key: str, holder: HolderInfo, actor: str, reason: str, *, outcome: str) -> None:
    details = {"outcome": outcome, "holder": asdict(holder)}
    audit_log.record(
        actor=actor, action=ACTION, subject=f"lock:{key}", reason=reason, details=details
    )
