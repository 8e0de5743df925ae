"""Giving the roles' groups what is new for them, after each migration.

first time       the group is made and gets all that its rules say
later            it gets what it was never given, as permissions of a new release
taken away       by an administrator: it was given once, so it is not given again
group deleted    or renamed: it stays so, the role is not made again
name in use      a group of that name that isn't ours is left alone: its members would get
                 rights that nobody meant to give them
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.db import transaction

from shop.roles.rules import ROLES, Role

logger = logging.getLogger(__name__)


def grant_what_is_new(*, using: str = "default", apps: Apps | None = None) -> None:
    """Run it as often as you like. `apps` are those of the migrations' state, if any."""
    models = _models(apps or installed)
    if models is None:
        return
    with transaction.atomic(using=using):
        found = models["Permission"].objects.using(using)
        permissions = {
            f"{app}.{codename}": pk
            for pk, app, codename in found.values_list("pk", "content_type__app_label", "codename")
        }
        given = set(models["Granted"].objects.using(using).values_list("role", "permission"))
        for role in ROLES:
            before = {permission for name, permission in given if name == role.name}
            new = [name for name in permissions if role.has(name) and name not in before]
            if new:
                _grant(models, using, role, permissions, new, is_known=bool(before))


def _models(apps: Any) -> dict[str, Any] | None:
    """None while a part of them is not migrated."""
    try:
        return {
            "Group": apps.get_model("auth", "Group"),
            "Permission": apps.get_model("auth", "Permission"),
            "Granted": apps.get_model("roles", "Granted"),
        }
    except LookupError:
        return None


def _grant(
    models: Mapping[str, Any],
    using: str,
    role: Role,
    permissions: Mapping[str, int],
    new: Iterable[str],
    *,
    is_known: bool,
) -> None:
    groups = models["Group"].objects.using(using)
    group = groups.filter(name=role.name).first()
    if group is not None and not is_known:
        logger.warning("The group %r is not ours; the role was not made.", role.name)
        return
    if group is None and not is_known:
        group = groups.create(name=role.name)
    granted = models["Granted"]
    granted.objects.using(using).bulk_create(
        granted(role=role.name, permission=permission) for permission in new
    )
    if group is not None:
        group.permissions.add(*(permissions[permission] for permission in new))
