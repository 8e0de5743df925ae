"""What people did: one entry each, written with the deed and never changed again.

An entry is written in the caller's transaction, so a deed that is rolled back leaves none, and one
that can't be recorded doesn't happen. It names people and things by their ids only: `user:3`.
"""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

from tasks.models import AuditEntry

if TYPE_CHECKING:  # a project without accounts has no such models, and records its shell
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser


def record(
    *,
    actor: str,
    action: str,
    subject: str,
    reason: str = "",
    details: dict[str, Any] | None = None,
) -> AuditEntry:
    """`actor` (`user:3`) did `action` (`lock.release`) to `subject` (`lock:stock:1`).

    `reason` is the person's own sentence. `details` are JSON and hold no personal data.
    Raises ValueError without an actor, an action or a subject.
    """
    if not (actor and action and subject):
        raise ValueError(f"Who did what to what? {actor!r}, {action!r}, {subject!r}.")
    return AuditEntry.objects.create(
        actor=actor, action=action, subject=subject, reason=reason, details=details or {}
    )


def user(person: AbstractBaseUser | AnonymousUser) -> str:
    """The actor behind a request. Raises ValueError for a stranger, who may do nothing."""
    if not person.is_authenticated:
        raise ValueError("A stranger can't be an actor.")
    return f"user:{person.pk}"


def shell(command: str = "manage.py") -> str:
    """The actor at a terminal: the name of the system's account."""
    return f"{command}:{getpass.getuser()}"
