"""Keys in the admin: made and shown once, revoked, never edited."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from shop.api.keys import find_key
from shop.api.models import ApiKey, Scope
from tests.shop.api.callers import key_of, user

pytestmark = pytest.mark.django_db

KEYS = "/admin/api/apikey/"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(user("op", is_staff=True, is_superuser=True))
    return client


def revoke(client: Client) -> int:
    chosen = [str(pk) for pk in ApiKey.objects.values_list("pk", flat=True)]
    form = {"action": "revoke_keys", "_selected_action": chosen}
    return client.post(KEYS, form).status_code


def test_given_a_new_key_then_it_is_shown_once_and_works(operator: Client, ann: User) -> None:
    form = {"name": "till", "user": ann.pk, "scopes": [Scope.READ]}
    page = operator.post(f"{KEYS}add/", form)

    (key,) = re.findall(r"<code>(\S+)</code>", page.content.decode())
    record = ApiKey.objects.get()
    assert find_key(key) == record
    assert (record.user, record.scopes) == (ann, ["orders:read"])
    assert "no-store" in page["Cache-Control"]
    for path in (KEYS, f"{KEYS}{record.pk}/change/"):
        assert key not in operator.get(path).content.decode()
    assert not any(key in cookie.value for cookie in operator.cookies.values())


def test_given_a_scope_that_does_not_exist_then_no_key_is_made(operator: Client, ann: User) -> None:
    operator.post(f"{KEYS}add/", {"name": "till", "user": ann.pk, "scopes": ["orders:everything"]})

    assert not ApiKey.objects.exists()


def test_given_a_revoked_key_then_it_lets_nobody_in(operator: Client, ann: User) -> None:
    key = key_of(ann)

    assert revoke(operator) == 302
    assert find_key(key) is None


def test_given_who_may_only_look_then_nothing_is_made_or_revoked(client: Client, ann: User) -> None:
    viewer = user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_apikey"))
    client.force_login(viewer)
    key = key_of(ann)

    assert client.get(KEYS).status_code == 200
    assert client.post(f"{KEYS}add/", {"name": "x", "user": ann.pk}).status_code == 403
    revoke(client)
    assert find_key(key) is not None
    assert ApiKey.objects.count() == 1


def test_given_a_key_then_nobody_edits_or_deletes_it(operator: Client, ann: User) -> None:
    key_of(ann)
    path = f"{KEYS}{ApiKey.objects.get().pk}"

    assert operator.post(f"{path}/change/", {"name": "other"}).status_code == 403
    assert operator.post(f"{path}/delete/", {"post": "yes"}).status_code == 403
    assert ApiKey.objects.get().name == "a test"
