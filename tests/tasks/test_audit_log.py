"""What people did is on record: with the deed, by ids only, for ever."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from tasks import audit_log
from tasks.models import AuditEntry

pytestmark = pytest.mark.django_db


def some_entry() -> AuditEntry:
    return audit_log.record(
        actor="user:3",
        action="lock.release",
        subject="lock:stock:1",
        reason="stuck",
        details={"token": 7},
    )


def test_an_entry_says_who_did_what_to_what_when_and_why() -> None:
    entry = some_entry()
    entry.refresh_from_db()
    assert (entry.actor, entry.action, entry.subject) == ("user:3", "lock.release", "lock:stock:1")
    assert (entry.reason, entry.details) == ("stuck", {"token": 7})
    assert entry.at is not None


def test_a_deed_that_is_rolled_back_leaves_no_entry() -> None:
    with transaction.atomic():
        some_entry()
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE tasks_auditentry SET reason = 'never mind'", "DELETE FROM tasks_auditentry"],
)
def test_the_database_refuses_to_change_or_delete_an_entry(statement: str) -> None:
    entry = some_entry()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        entry.delete()
    assert AuditEntry.objects.get().reason == "stuck"


@pytest.mark.parametrize("missing", ["actor", "action", "subject"])
def test_an_entry_without_who_or_what_is_refused(missing: str) -> None:
    said: dict[str, Any] = {
        "actor": "user:3",
        "action": "job.retry",
        "subject": "job:1",
        missing: "",
    }
    with pytest.raises(ValueError, match="Who did what"):
        audit_log.record(**said)


def test_a_person_goes_by_an_id_and_a_stranger_is_nobody() -> None:
    ann = User.objects.create_user("ann", email="ann@shop.example")
    assert audit_log.user(ann) == f"user:{ann.pk}"
    with pytest.raises(ValueError, match="stranger"):
        audit_log.user(AnonymousUser())


def test_the_longest_key_of_a_lock_fits() -> None:
    subject = "lock:" + "x" * 1024
    audit_log.record(actor=audit_log.shell(), action="lock.release", subject=subject)
    assert AuditEntry.objects.get(subject=subject).actor.startswith("manage.py:")


def test_the_log_is_read_and_searched_but_not_written_by_hand(client: Client) -> None:
    auditor = User.objects.create_user("ada", is_staff=True)
    client.force_login(auditor)
    entry = some_entry()
    audit_log.record(actor="user:4", action="job.retry", subject="job:1")
    pages = "admin:tasks_auditentry"
    assert client.get(reverse(f"{pages}_changelist")).status_code == 403

    auditor.user_permissions.add(Permission.objects.get(codename="view_auditentry"))
    for query in ("lock:stock:1", "user:3", "lock.release"):
        page = client.get(reverse(f"{pages}_changelist"), {"q": query}).content.decode()
        assert "lock:stock:1" in page and "job:1<" not in page
    auditor.is_superuser = True
    auditor.save()
    change = reverse(f"{pages}_change", args=[entry.pk])
    assert client.get(change).status_code == 200
    assert client.post(change, {"reason": "never mind"}).status_code == 403
    assert client.post(reverse(f"{pages}_delete", args=[entry.pk])).status_code == 403
    assert client.get(reverse(f"{pages}_add")).status_code == 403
