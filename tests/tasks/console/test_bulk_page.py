from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tasks import operations
from tasks.console.bulk_page import FEW
from tasks.enqueue import enqueue_many
from tasks.models import AuditEntry, Job, JobState
from tests.tasks.console.pages import client_with, text_of
from tests.tasks.running_jobs import scheduled
from tests.tasks.sample_tasks import note

pytestmark = pytest.mark.django_db
PAGE = "/admin/tasks/job/bulk/"
MANY = FEW + 1
WISH = {"deed": "retry", "q": "state:dead", "meant": str(MANY), "reason": "mended"}


def dead(count: int = MANY) -> None:
    ids = enqueue_many(note, [((str(n),), {}) for n in range(count)])
    Job.objects.filter(pk__in=ids).update(
        state=JobState.DEAD, finished_at=timezone.now(), error="ValueError: it broke"
    )


def dead_now() -> int:
    return Job.objects.filter(state=JobState.DEAD).count()


@pytest.fixture
def operator() -> Client:
    return client_with("view_job", "retry_job", "discard_job", "reprioritise_job")


def test_the_page_tells_what_is_meant_and_counts_for_each_deed(operator: Client) -> None:
    dead()
    scheduled()
    shown = text_of(operator.get(PAGE, {"q": "task:sample.note"}))
    assert "Task sample.note" in shown
    assert f"Retry… dead, cancelled, expired or discarded {MANY}" in shown
    assert "Change priority… not ended yet 1" in shown
    assert "Cancel" not in shown  # which ann may not


def test_a_look_changes_nothing(operator: Client) -> None:
    dead()
    shown = text_of(operator.get(PAGE, {**WISH, "typed": str(MANY)}))
    assert f"{MANY} jobs of them are dead, cancelled, expired or discarded now" in shown
    assert f"Type {MANY} to confirm" in shown
    assert dead_now() == MANY and not AuditEntry.objects.exists()


def test_with_the_number_typed_all_are_done_and_on_record(operator: Client) -> None:
    dead()
    answer = operator.post(PAGE, {**WISH, "typed": str(MANY)}, follow=True)
    assert f"{MANY} of {MANY} jobs will run again." in answer.content.decode()
    assert answer.request["QUERY_STRING"] == "q=state%3Adead"
    assert dead_now() == 0
    asked = AuditEntry.objects.get(action="jobs.retry")
    assert (asked.subject, asked.reason) == ("jobs:states=dead", "mended")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"typed": "3"}, f"type {MANY}"),
        ({}, "This field is required"),
        ({"typed": str(MANY), "reason": ""}, "This field is required"),
    ],
)
def test_without_the_right_number_or_a_reason_nothing_is_done(
    operator: Client, sent: dict[str, str], said: str
) -> None:
    dead()
    answer = operator.post(PAGE, {**WISH, **sent})
    assert answer.status_code == 400 and said in text_of(answer)
    assert dead_now() == MANY and not AuditEntry.objects.exists()


def test_when_the_number_has_changed_nothing_is_done_and_it_asks_again(operator: Client) -> None:
    dead()
    dead(1)
    answer = operator.post(PAGE, {**WISH, "typed": str(MANY)})
    assert answer.status_code == 409
    assert f"when you looked {MANY} jobs matched, now there are {MANY + 1}" in text_of(answer)
    page = answer.content.decode()
    assert f'name="meant" value="{MANY + 1}"' in page and 'value="mended"' in page
    assert dead_now() == MANY + 1 and not AuditEntry.objects.exists()


def test_a_few_need_no_typing_and_a_priority_is_asked_for(operator: Client) -> None:
    scheduled()
    wish = {"deed": "reprioritise", "q": "state:scheduled", "meant": "1", "reason": "soon"}
    assert operator.post(PAGE, {**wish, "priority": "10"}).status_code == 400
    assert operator.post(PAGE, {**wish, "priority": "8"}).status_code == 302
    assert Job.objects.get().priority == 8


@pytest.mark.parametrize(
    "wish",
    [
        {"q": ""},
        {"q": 'task:""'},
        {"q": "state:broken"},
        {"q": 'error:"x'},
    ],
)
def test_words_that_mean_everything_or_nothing_are_refused(
    operator: Client, wish: dict[str, Any]
) -> None:
    dead(1)
    assert operator.get(PAGE, wish).status_code == 400
    assert operator.post(PAGE, {**WISH, "meant": "1", **wish}).status_code == 400
    assert dead_now() == 1


def test_only_who_may_do_it_sees_the_page_or_does_it() -> None:
    dead()
    for client in (client_with("view_job"), client_with("retry_job"), client_with("view_job")):
        assert client.get(PAGE, {"q": "state:dead"}).status_code == 403
        assert client.post(PAGE, {**WISH, "typed": str(MANY)}).status_code == 403
    other = client_with("view_job", "cancel_job")
    assert other.get(PAGE, WISH).status_code == 403
    assert other.post(PAGE, {**WISH, "typed": str(MANY)}).status_code == 403
    assert Client().post(PAGE, WISH).status_code == 302
    assert dead_now() == MANY and not AuditEntry.objects.exists()


def test_thousands_are_a_job_to_whose_page_one_is_sent(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = operations.act_on_all.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "at_once", FEW)
    dead()
    answer = operator.post(PAGE, {**WISH, "typed": f" {MANY} "}, follow=True)
    job = Job.objects.get(task="jobs.bulk")
    assert answer.redirect_chain == [(f"/admin/tasks/job/{job.pk}/change/", 302)]
    assert f"This job is at it: Retry, {MANY} jobs." in answer.content.decode()
    assert dead_now() == MANY  # until a worker does it

    Job.objects.filter(pk=job.pk).update(
        state="running",
        progress_done=5,
        progress_total=MANY,
        progress_note="4 changed",
        started_at=timezone.now(),
        worker="w@here",
    )
    page = operator.get(f"/admin/tasks/job/{job.pk}/change/")
    assert f"5 of {MANY} , 4 changed" in text_of(page)
    assert 'hx-trigger="every 2s' in page.content.decode()
    Job.objects.filter(pk=job.pk).update(state="succeeded", finished_at=timezone.now())
    page = operator.get(f"/admin/tasks/job/{job.pk}/change/")
    assert 'hx-trigger="every 2s' not in page.content.decode()
