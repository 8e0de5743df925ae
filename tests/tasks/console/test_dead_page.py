from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from tasks.models import AuditEntry, Job, JobState
from tests.tasks.console.pages import client_with, text_of
from tests.tasks.running_jobs import scheduled

pytestmark = pytest.mark.django_db
PAGE = "/admin/tasks/job/dead/"


def dead(error: str, *, task: str = "sample.note") -> str:
    job_id = scheduled()
    Job.objects.filter(pk=job_id).update(
        state=JobState.DEAD, task=task, error=error, finished_at=timezone.now()
    )
    return str(job_id)


def links(client: Client, text: str) -> list[str]:
    page = client.get(PAGE).content.decode()
    return [unescape(found) for found in re.findall(rf'href="([^"]+)"[^>]*>{text}', page)]


def test_dead_jobs_are_grouped_by_task_and_error_and_led_to() -> None:
    dead('KeyError: "order 17"')
    newest = dead('KeyError: "order 4711"')
    dead("ValueError: it broke", task="sample.other")
    client = client_with("view_job")

    shown = text_of(client.get(PAGE))

    assert 'sample.note KeyError: "order <n>" all of them , the newest 2' in shown
    assert "sample.other ValueError: it broke all of them , the newest 1" in shown
    assert "Retry" not in shown  # which ann may not
    listed = client.get(links(client, "all of them")[0]).context["cl"].result_list
    assert {job.error for job in listed} == {'KeyError: "order 17"', 'KeyError: "order 4711"'}
    assert links(client, "the newest")[0] == f"/admin/tasks/job/{newest}/change/"


def test_all_like_this_are_retried_by_the_page_that_asks_and_the_others_stay() -> None:
    dead("KeyError: 17")
    dead("KeyError: 4711")
    other = dead("ValueError: it broke")
    client = client_with("view_job", "retry_job")

    asked = client.get(links(client, "Retry…")[0])
    form = asked.context["form"].initial
    assert form["meant"] == 2 and "KeyError: <n>" in text_of(asked)
    client.post("/admin/tasks/job/bulk/", {**form, "reason": "mended"})

    assert [str(job.pk) for job in Job.objects.filter(state=JobState.DEAD)] == [other]
    assert AuditEntry.objects.filter(action="jobs.retry", reason="mended").count() == 1


def test_jobs_without_an_errors_text_have_no_deed_on_all_like_them() -> None:
    dead("")
    dead("", task="sample.other")
    assert links(client_with("view_job", "discard_job"), "Discard…") == []


def test_only_who_may_see_jobs_sees_it() -> None:
    assert client_with("view_effect").get(PAGE).status_code == 403
    assert client_with("view_job").post(PAGE).status_code == 405
