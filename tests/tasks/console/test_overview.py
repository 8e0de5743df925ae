from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from tasks import queues, statistics
from tasks.models import Attempt, Job, JobState, new_job_id
from tests.tasks.console.pages import client_with
from tests.tasks.test_statistics import ended

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/tasks/job/overview/"


def words(client: Client, query: str = "") -> str:
    """What a person reads on the page."""
    page = client.get(PAGE + query).content.decode()
    shown = page[page.index('id="live"') :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def due(queue: str, *, seconds: float, state: str = JobState.QUEUED) -> None:
    since = timezone.now() - timedelta(seconds=seconds)
    Job.objects.create(id=new_job_id(), task="sample.x", queue=queue, state=state, run_at=since)


def test_given_attempts_when_counted_then_the_page_tells_what_they_did() -> None:
    now = timezone.now()
    for _ in range(3):
        ended(now - timedelta(minutes=2), run_s=0.2, queue="email", task="sample.mail")
    ended(now - timedelta(minutes=2), outcome=Attempt.Outcome.DEAD, queue="email")
    ended(now - timedelta(hours=5), queue="stock", task="sample.early")
    statistics.roll_up(now=now)

    shown = words(client_with("view_job"))

    assert "succeeded 3" in shown and "of attempts failed 25 %" in shown
    assert "sample.mail 3 0" in shown
    assert "sample.note 1 1 (100 %)" in shown
    assert "sample.early" not in shown
    assert "sample.early 1 0" in words(client_with("view_job"), "?window=24h")


def test_given_jobs_that_wait_then_each_queue_says_how_many_and_since_when() -> None:
    due("email", seconds=7200)
    due("email", seconds=5)
    due("stock", seconds=0, state=JobState.RUNNING)
    due("default", seconds=0, state=JobState.DEAD)
    queues.pause(queue="checkout", actor="user:1", reason="the provider is down")

    shown = words(client_with("view_job"))

    assert "email 2 2 h 0 min 0 0 0" in shown
    assert "stock 0 – 1 0 0" in shown
    assert "default 0 – 0 0 1" in shown
    assert "checkout paused" in shown
    assert "running now 1" in shown and "waiting now 2" in shown and "dead 1" in shown


def test_the_live_part_asks_for_its_own_window_again() -> None:
    client = client_with("view_job")
    assert 'hx-get="?window=7d"' in client.get(PAGE, {"window": "7d"}).content.decode()
    assert 'hx-get="?window=1h"' in client.get(PAGE, {"window": "<b>"}).content.decode()


def test_only_who_may_see_jobs_sees_it_and_a_post_is_refused() -> None:
    assert client_with("view_effect").get(PAGE).status_code == 403
    assert Client().get(PAGE).status_code == 302
    assert client_with("view_job").post(PAGE).status_code == 405
