from __future__ import annotations

import re
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from tasks import jobs, operations
from tasks.bulk import Deed
from tasks.job_filter import JobFilter
from tasks.models import AuditEntry, Effect, Job, JobState, PausedQueue
from tests.tasks.console.pages import client_with, text_of
from tests.tasks.running_jobs import queued, running, scheduled, state_of

pytestmark = pytest.mark.django_db
DEEDS = ("retry_job", "run_job_now", "cancel_job", "discard_job", "reprioritise_job")


def address(job_id: UUID) -> str:
    return f"/admin/tasks/job/{job_id}/change/"


def read(job_id: UUID, *codenames: str) -> str:
    return text_of(client_with("view_job", *codenames).get(address(job_id)))


def buttons(job_id: UUID, *codenames: str) -> set[str]:
    page = client_with("view_job", *codenames).get(address(job_id)).content.decode()
    return set(re.findall(r'name="deed" value="(\w+)"', page))


def act(client: Client, job_id: UUID, deed: str, **sent: str) -> int:
    wish = {"deed": deed, "reason": "because", **sent}
    return client.post(f"/admin/tasks/job/{job_id}/act/", wish).status_code


def died(error: str = "ValueError: it broke", traceback: str = "Traceback: line 3") -> UUID:
    job = running()
    jobs.fail(job, error=error, traceback=traceback)
    return job.id


def test_a_button_is_there_only_where_it_applies_and_for_who_may() -> None:
    later, waits, runs, dead = scheduled(countdown=600), queued(), running().id, died()
    assert buttons(later, *DEEDS) == {"run_now", "cancel", "reprioritise"}
    assert buttons(waits, *DEEDS) == {"cancel", "reprioritise"}
    assert buttons(runs, *DEEDS) == {"cancel", "reprioritise"}
    assert buttons(dead, *DEEDS) == {"retry", "discard"}
    assert buttons(dead, "discard_job") == {"discard"}
    assert buttons(dead) == set()
    jobs.cancel(runs)
    assert buttons(runs, *DEEDS) == {"reprioritise"}


@pytest.mark.parametrize(
    ("deed", "state"), [("retry", JobState.SCHEDULED), ("discard", JobState.DISCARDED)]
)
def test_a_deed_by_post_is_done_once_and_on_record_with_its_reason(deed: str, state: str) -> None:
    dead, client = died(), client_with("view_job", *DEEDS)
    assert act(client, dead, deed) == act(client, dead, "run_now", reason="") == 302
    assert state_of(dead) == state
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.subject, entry.reason) == (f"job.{deed}", f"job:{dead}", "because")


def test_the_priority_is_changed_within_its_range() -> None:
    later, client = scheduled(), client_with("view_job", *DEEDS)
    for priority in ("10", "", "x"):
        act(client, later, "reprioritise", priority=priority)
        assert Job.objects.get(pk=later).priority == 0
    act(client, later, "reprioritise", priority="7")
    assert Job.objects.get(pk=later).priority == 7


def test_without_its_permission_or_by_get_nothing_is_done() -> None:
    dead, viewer = died(), client_with("view_job", "discard_job")
    assert act(viewer, dead, "retry") == 403
    assert viewer.get(f"/admin/tasks/job/{dead}/act/?deed=discard&reason=x").status_code == 405
    assert act(client_with("retry_job"), dead, "retry") == 403
    assert act(Client(), dead, "retry") == 302  # to the login
    assert state_of(dead) == JobState.DEAD and not AuditEntry.objects.exists()


def test_what_does_not_apply_any_more_is_said() -> None:
    dead, client = died(), client_with("view_job", *DEEDS)
    jobs.retry(dead)
    wish = {"deed": "retry", "reason": "because"}
    answer = client.post(f"/admin/tasks/job/{dead}/act/", wish, follow=True)
    assert "nothing was done" in answer.content.decode()


def test_it_says_what_the_job_waits_for() -> None:
    assert "It is due in" in read(scheduled(countdown=600))
    waits = queued()
    assert "free for the queue" in read(waits)
    assert "Runs at w@here:1" in read(running().id)
    assert "waits for a person" in read(died())
    PausedQueue.objects.create(queue="default", paused_by="user:3", reason="a deploy")
    assert "user:3 paused default: a deploy" in read(scheduled())


def test_the_story_has_attempts_pauses_children_effects_and_deeds_linked() -> None:
    first = running()
    jobs.try_again(first, wait_s=0, error="ReadError: slow", traceback="line 9", failed=True)
    jobs.take_due(batch=10)
    second = running(first.id)
    Job.objects.filter(pk=first.id).update(correlation_id="req-1", enqueued_by="user:9")
    child = scheduled()
    Job.objects.filter(pk=child).update(parent_id=first.id)
    effect = Effect.objects.create(
        key="order:1:charge", kind="charge", fingerprint="", job_id=first.id,
        intended_at=timezone.now(),
    )  # fmt: skip
    jobs.fail(second, error="ValueError: it broke", traceback="line 3")
    operations.act(Deed.DISCARD, first.id, actor="user:3", reason="known")
    operations.act_on_all(Deed.RETRY, JobFilter(ids=(first.id,)), actor="user:4")

    client = client_with("view_job")
    page = client.get(address(first.id))
    shown, html = text_of(page), page.content.decode()

    for words in (
        "Enqueued user:9", "Attempt 1 began", "ReadError: slow · next attempt",
        "Attempt 2 failed for good", "Enqueued sample.note now scheduled",
        "Effect order:1:charge: intended", "job.discard known user:3", "job.retry user:4",
        "Traceback line 9", "Traceback line 3",
    ):  # fmt: skip
        assert words in shown, words
    assert f'href="{address(child)}"' in html
    assert f'href="/admin/tasks/effect/{effect.pk}/change/"' in html
    assert 'href="/admin/tasks/job/?q=correlation%3Areq-1"' in html
    assert f'href="{address(first.id)}"' in client.get(address(child)).content.decode()


def test_arguments_are_shown_as_text_whatever_is_in_them() -> None:
    job_id = scheduled("<script>alert(1)</script>")
    page = client_with("view_job").get(address(job_id)).content.decode()
    assert "&quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot;" in page
    assert "<script>alert(1)" not in page


def test_flower_is_linked_where_the_project_says_it_is(settings: Settings) -> None:
    job_id = scheduled()
    settings.JOBS_FLOWER_URL = ""
    assert "Flower" not in read(job_id)
    settings.JOBS_FLOWER_URL = "https://flower.example/"
    page = client_with("view_job").get(address(job_id)).content.decode()
    assert f'href="https://flower.example/task/{job_id}"' in page


def test_the_subjects_page_is_linked_if_there_is_one_and_the_person_may_open_it() -> None:
    known, unknown = scheduled(subject="order:42"), scheduled(subject="moon:1")

    def is_linked(*codenames: str) -> bool:
        page = client_with("view_job", *codenames).get(address(known)).content.decode()
        return 'href="/admin/orders/order/42/' in page

    assert is_linked("view_order") and not is_linked()
    assert "moon:1" in read(unknown)


def test_a_job_that_is_not_there_leads_back_to_the_list() -> None:
    client = client_with("view_job")
    for job_id in ("0190a0a0-0000-7000-8000-000000000001", "x"):
        answer = client.get(f"/admin/tasks/job/{job_id}/change/", follow=True)
        assert "There is no job" in answer.content.decode()
