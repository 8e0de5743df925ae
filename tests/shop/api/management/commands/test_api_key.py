"""`manage.py api_key`."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from shop.api.keys import find_key
from shop.api.models import ApiKey, Scope

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("api_key", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_given_a_user_then_a_key_is_made_and_printed(ann: User) -> None:
    record = find_key(run("create", "--name", "till", "--user", "ann").strip())

    assert record is not None
    assert (record.user, record.name, set(record.scopes)) == (ann, "till", set(Scope.values))


def test_given_scopes_then_the_key_has_only_these(ann: User) -> None:
    key = run("create", "--name", "till", "--user", "ann", "--scope", "orders:read").strip()

    record = find_key(key)
    assert record is not None and record.scopes == ["orders:read"]


def test_given_nobody_of_that_name_then_it_says_so() -> None:
    with pytest.raises(CommandError, match="no active user"):
        run("create", "--name", "till", "--user", "nobody")


def test_given_keys_then_they_are_listed_by_how_they_begin_and_can_be_revoked(ann: User) -> None:
    key = run("create", "--name", "till", "--user", "ann").strip()
    record = ApiKey.objects.get()

    listed = run("list")
    assert record.hint in listed and "live" in listed and key not in listed
    run("revoke", str(record.pk))
    assert "revoked" in run("list")
    assert find_key(key) is None
    with pytest.raises(CommandError):
        run("revoke", str(record.pk))
