from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tasks import jobs
from tasks.models import AuditEntry, JobState
from tests.tasks.running_jobs import running, scheduled, state_of

pytestmark = pytest.mark.django_db
LIST = "admin:tasks_job_changelist"


@pytest.fixture
def operator(client: Client) -> User:
    """Signed in; sees jobs, and has no other permission yet."""
    user = User.objects.create_user("olga", is_staff=True)
    client.force_login(user)
    allow(user, "view_job")
    return user


def allow(user: User, codename: str) -> None:
    user.user_permissions.add(Permission.objects.get(codename=codename))


def act(client: Client, action: str, job_id: object) -> None:
    answer = client.post(
        reverse(LIST), {"action": action, "_selected_action": [str(job_id)]}, follow=True
    )
    assert answer.status_code == 200


def test_a_dead_job_is_retried_and_it_is_on_record(client: Client, operator: User) -> None:
    allow(operator, "retry_job")
    job = running()
    jobs.fail(job, error="ValueError: it broke", traceback="")
    assert "ValueError: it broke" in client.get(reverse(LIST)).content.decode()
    act(client, "retry", job.id)
    assert state_of(job) == JobState.SCHEDULED
    assert LogEntry.objects.get().user == operator
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == (f"user:{operator.pk}", "job.retry")
    assert entry.subject == f"job:{job.id}"


@pytest.mark.parametrize("action", ["retry", "run_now", "cancel"])
def test_without_its_permission_an_action_does_nothing(
    client: Client, operator: User, action: str
) -> None:
    later = scheduled(countdown=600)
    act(client, action, later)
    assert state_of(later) == JobState.SCHEDULED
    assert jobs.take_due(batch=9) == []
    assert not AuditEntry.objects.exists()


def test_run_now_and_cancel(client: Client, operator: User) -> None:
    allow(operator, "run_job_now")
    allow(operator, "cancel_job")
    first, second = scheduled(countdown=600), scheduled(countdown=600)
    act(client, "run_now", first)
    assert [each.id for each in jobs.take_due(batch=9)] == [first]
    act(client, "cancel", second)
    assert state_of(second) == JobState.CANCELLED
    entries = AuditEntry.objects.order_by("pk").values_list("action", "subject")
    assert list(entries) == [("job.run_now", f"job:{first}"), ("job.cancel", f"job:{second}")]


def test_what_could_not_be_done_is_not_on_record(client: Client, operator: User) -> None:
    allow(operator, "retry_job")
    act(client, "retry", scheduled())
    assert not AuditEntry.objects.exists()


def test_nothing_is_edited_added_or_deleted_by_hand(client: Client, operator: User) -> None:
    allow(operator, "change_job")
    allow(operator, "delete_job")
    job_id = scheduled()
    page = reverse("admin:tasks_job_change", args=[job_id])
    assert client.get(page).status_code == 200
    assert client.post(page, {"state": "succeeded"}).status_code == 403
    assert client.post(reverse("admin:tasks_job_delete", args=[job_id])).status_code == 403
    assert client.get(reverse("admin:tasks_job_add")).status_code == 403
    assert state_of(job_id) == JobState.SCHEDULED
