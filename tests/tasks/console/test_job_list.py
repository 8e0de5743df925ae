from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tasks.models import AuditEntry, Job, JobState
from tests.tasks.console.pages import client_with, text_of
from tests.tasks.running_jobs import scheduled

pytestmark = pytest.mark.django_db
LIST = "/admin/tasks/job/"


def listed(**parameters: str) -> set[UUID]:
    answer = client_with("view_job").get(LIST, parameters)
    return {job.pk for job in answer.context["cl"].result_list}


def changed(**columns: Any) -> UUID:
    job_id = scheduled()
    Job.objects.filter(pk=job_id).update(**columns)
    return job_id


@pytest.mark.parametrize(
    ("q", "columns"),
    [
        ("task:sample.other", {"task": "sample.other"}),
        ("state:dead,expired", {"state": "expired"}),
        ("arg:42", {"kwargs": {"order": {"ids": [42]}}}),
        ("order:42", {"subject": "order:42"}),
        ("tag:slow", {"tags": ["big", "slow"]}),
        ('error:"timed out"', {"error": "ReadError: Timed out"}),
        ("timed out", {"error": "ReadError: Timed out"}),
        ("until:2026-01-01", {"created_at": "2025-12-31T23:59Z"}),
        ("correlation:abc", {"correlation_id": "abc"}),
    ],
)
def test_words_find_their_jobs_and_no_others(q: str, columns: dict[str, Any]) -> None:
    other, wanted = scheduled(), changed(**columns)
    assert listed(q=q) == {wanted}
    assert listed() == {other, wanted}


def test_an_id_finds_its_job_and_filters_add_to_words() -> None:
    one, dead = scheduled(), changed(state="dead", subject="order:42")
    assert listed(q=str(one)) == {one}
    assert listed(q="order:42", state__exact="dead") == {dead}
    assert listed(q="order:42", state__exact="queued") == set()
    assert listed(task="sample.note", since="1h") == {one, dead}
    assert listed(queue="email") == set()


def test_a_word_that_means_nothing_finds_nothing_and_says_why() -> None:
    scheduled()
    answer = client_with("view_job").get(LIST, {"q": "state:broken"})
    assert "no state" in text_of(answer)
    assert not answer.context["cl"].result_list


def test_the_list_reads_no_tracebacks_and_sorts_by_its_primary_key() -> None:
    changed(state="dead", error="e", traceback="t" * 10_000)
    client = client_with("view_job")
    with CaptureQueriesContext(connection) as captured:
        client.get(LIST)
    rows = [q["sql"] for q in captured.captured_queries if '"traceback"' in q["sql"]]
    sorts = [q["sql"] for q in captured.captured_queries if 'BY "tasks_job"."id" DESC' in q["sql"]]
    assert (rows, len(sorts)) == ([], 1)


def test_a_job_tells_its_state_progress_attempts_and_error() -> None:
    changed(
        state="running",
        attempt=3,
        failures=2,
        error="ValueError: it broke",
        progress_done=30,
        progress_total=120,
    )
    page = client_with("view_job").get(LIST)
    shown = text_of(page)
    assert "running" in shown and "3, 2 failed" in shown and "30 of 120" in shown
    assert "ValueError: it broke" in shown
    assert 'value="30" max="120"' in page.content.decode()


def test_the_link_to_all_that_match_is_for_those_who_may_do_something() -> None:
    changed(state="dead", subject="order:42")
    link = f"{reverse('admin:tasks_bulk')}?q=state%3Adead+subject%3Aorder%3A42"

    def shown(*codenames: str, **parameters: str) -> bool:
        page = client_with("view_job", *codenames).get(LIST, parameters)
        return link in page.content.decode()

    assert shown("retry_job", q="order:42", state__exact="dead")
    assert not shown(q="order:42", state__exact="dead")
    assert not shown("retry_job")  # all there are


def test_the_priority_of_chosen_jobs_is_changed_and_on_record() -> None:
    first, second, third = scheduled(), scheduled(), scheduled()
    client = client_with("view_job", "reprioritise_job")
    wish = {"action": "reprioritise", "_selected_action": [str(first), str(second)]}
    answer = client.post(LIST, {**wish, "reason": "soon"}, follow=True)
    assert "give a priority" in answer.content.decode()
    client.post(LIST, {**wish, "priority": "7", "reason": "soon"})
    priorities = dict(Job.objects.values_list("pk", "priority"))
    assert priorities == {first: 7, second: 7, third: 0}
    assert {e.reason for e in AuditEntry.objects.all()} == {"soon"}


def test_an_action_on_all_across_pages_goes_to_the_page_that_counts_and_asks() -> None:
    job_id = changed(state="dead")
    client = client_with("view_job", "discard_job")
    wish = {"action": "discard", "_selected_action": [str(job_id)], "select_across": "1"}
    answer = client.post(f"{LIST}?state__exact=dead", wish)
    assert answer["Location"] == f"{reverse('admin:tasks_bulk')}?deed=discard&q=state%3Adead"
    assert Job.objects.get(pk=job_id).state == JobState.DEAD
