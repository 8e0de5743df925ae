from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command

from shop.roles.granting import grant_what_is_new
from shop.roles.models import Granted

pytestmark = pytest.mark.django_db


def held_by(role: str) -> set[str]:
    found = Group.objects.get(name=role).permissions.values_list(
        "content_type__app_label", "codename"
    )
    return {f"{app}.{codename}" for app, codename in found}


def new_permission(codename: str) -> Permission:
    of = ContentType.objects.get(app_label="tasks", model="job")
    return Permission.objects.create(codename=codename, name=codename, content_type=of)


def test_after_a_migration_each_role_is_a_group_with_its_permissions() -> None:
    call_command("migrate", verbosity=0)
    assert "orders.view_order" in held_by("viewer")
    assert "tasks.view_job" in held_by("viewer")
    assert {name.partition(".")[2][:5] for name in held_by("viewer")} == {"view_"}
    assert "orders.refund_order" in held_by("support") - held_by("viewer")
    assert "tasks.retry_job" in held_by("operator") - held_by("support")
    assert len(held_by("admin")) == Permission.objects.count()


def test_it_is_the_last_app_so_that_all_permissions_are_there() -> None:
    assert list(apps.get_app_configs())[-1].name == "shop.roles"


def test_given_an_administrators_edits_when_migrated_again_then_they_stay() -> None:
    support = Group.objects.get(name="support")
    refund = Permission.objects.get(codename="refund_order")
    retry = Permission.objects.get(codename="retry_job")
    support.permissions.remove(refund)
    support.permissions.add(retry)
    call_command("migrate", verbosity=0)
    assert "orders.refund_order" not in held_by("support")
    assert "tasks.retry_job" in held_by("support")


def test_given_a_permission_of_a_new_release_then_the_roles_that_are_meant_get_it_once() -> None:
    made = new_permission("juggle_jobs")
    grant_what_is_new()
    assert "tasks.juggle_jobs" in held_by("operator") & held_by("admin")
    assert "tasks.juggle_jobs" not in held_by("support")
    Group.objects.get(name="operator").permissions.remove(made)
    grant_what_is_new()
    assert "tasks.juggle_jobs" not in held_by("operator")


def test_given_a_group_that_was_deleted_then_it_is_not_made_again() -> None:
    Group.objects.filter(name="support").delete()
    new_permission("view_jugglers")
    grant_what_is_new()
    assert not Group.objects.filter(name="support").exists()


def test_given_a_group_of_somebody_elses_with_that_name_then_it_is_left_alone() -> None:
    Group.objects.filter(name="operator").delete()
    Granted.objects.filter(role="operator").delete()
    Group.objects.create(name="operator")
    grant_what_is_new()
    assert held_by("operator") == set()


def test_running_it_again_only_looks(django_assert_num_queries: Any) -> None:
    grant_what_is_new()
    with django_assert_num_queries(2 + 2):  # and a savepoint
        grant_what_is_new()
