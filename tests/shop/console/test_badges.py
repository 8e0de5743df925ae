from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from shop.console.frame import COUNTED
from tasks.models import Job, JobState
from tests.tasks.console.pages import client_with

pytestmark = pytest.mark.django_db


def badge(client: Client) -> str:
    page = client.get("/admin/tasks/job/dead/").content.decode()
    entry = page[page.index("<span>Dead jobs</span>") :]
    return re.sub(r"<[^>]+>", "", entry[: entry.index("</a>")]).removeprefix("Dead jobs").strip()


def dead(count: int) -> None:
    Job.objects.bulk_create(
        Job(task="t", queue="q", state=JobState.DEAD, finished_at=timezone.now())
        for _ in range(count)
    )


def test_the_sidebar_counts_dead_jobs_shows_no_nought_and_ends_at_99() -> None:
    client = client_with("view_job")
    assert badge(client) == ""
    dead(1)
    assert badge(client) == "1"
    dead(COUNTED)
    assert badge(client) == "99+"
