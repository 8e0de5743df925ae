"""Which permissions belong to which role. Pure, and by rules where lists would go stale.

viewer ⊂ support ⊂ operator ⊂ admin. A permission that a later release brings falls to the lowest
role whose rule it meets: each `view_…` to viewers, each deed of the job platform and of the stock
to operators, and everything else to admins only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

STANDARD = ("add_", "change_", "delete_", "view_")
"""What Django makes for each model; every other permission is a deed of ours."""

SECRET = {"sessions.view_session"}
"""Whoever can read a session can be that person."""

SUPPORT = {
    "orders.cancel_order",
    "orders.change_order",  # the address: a mail sent again to a wrong one helps nobody
    "orders.comment_order",
    "orders.refund_order",
    "orders.resend_email",
}

SCHEDULES = {"django_celery_beat.change_periodictask"}


@dataclass(frozen=True)
class Role:
    """`has` answers whether a permission (`orders.cancel_order`) belongs to the role."""

    name: str
    has: Callable[[str], bool]


def _viewer(permission: str) -> bool:
    return _codename(permission).startswith("view_") and permission not in SECRET


def _support(permission: str) -> bool:
    return _viewer(permission) or permission in SUPPORT


def _operator(permission: str) -> bool:
    app = permission.partition(".")[0]
    is_deed = not _codename(permission).startswith(STANDARD)
    return (
        _support(permission)
        or (app in ("tasks", "inventory") and is_deed)
        or permission in SCHEDULES
    )


def _admin(permission: str) -> bool:
    return True


def _codename(permission: str) -> str:
    return permission.partition(".")[2]


ROLES = (
    Role("viewer", _viewer),
    Role("support", _support),
    Role("operator", _operator),
    Role("admin", _admin),
)
"""From the least to the most powerful."""
