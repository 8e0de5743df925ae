from __future__ import annotations

from datetime import timedelta

import pytest
from django_celery_beat.models import PeriodicTask

from tasks.models import AuditEntry, Job, ScheduleMark
from tests.tasks.console.pages import actor, client_with, words
from tests.tasks.test_slots import every, ran, since_long_ago

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/django_celery_beat/periodictask/"
SEES = ("view_periodictask", "view_job")


def deed(schedule: PeriodicTask, name: str) -> str:
    return f"{LIST}{schedule.pk}/do/{name}/"


def test_the_list_says_when_it_ran_runs_next_and_what_it_missed() -> None:
    schedule = every(60)
    since_long_ago(schedule)
    ran(schedule, *(timedelta(hours=hours) for hours in range(25) if hours not in (3, 4)))
    shown = client_with(*SEES).get(LIST)
    job = Job.objects.order_by("-created_at").first()
    assert job and f'href="/admin/tasks/job/{job.pk}/change/"' in shown.content.decode()
    assert "every 60 minutes" in words(shown)
    page = words(client_with(*SEES).get(f"{LIST}{schedule.pk}/change/"))
    assert "Missed in 24 h 2" in page and "Their time passed without a job" in page
    assert "Run now" not in page and "Switch off" not in page


@pytest.mark.parametrize(
    ("name", "permission"),
    [("run", "run_job_now"), ("off", "change_periodictask"), ("on", "change_periodictask")],
)
def test_a_viewer_is_refused_and_a_get_does_nothing(name: str, permission: str) -> None:
    schedule = every(60)
    viewer = client_with(*SEES)
    assert viewer.post(deed(schedule, name)).status_code == 403
    assert client_with(*SEES, permission).get(deed(schedule, name)).status_code == 405
    assert client_with(permission).post(deed(schedule, "nonsense")).status_code == 404
    schedule.refresh_from_db()
    assert schedule.enabled
    assert not AuditEntry.objects.exists() and not Job.objects.exists()


def test_the_buttons_switch_it_off_and_on_and_run_it_on_record() -> None:
    schedule = every(60)
    since_long_ago(schedule)
    client = client_with(*SEES, "change_periodictask", "run_job_now")
    shown = words(client.post(deed(schedule, "off"), follow=True))
    assert "none: it is switched off" in shown and "Switch on" in shown
    shown = words(client.post(deed(schedule, "on"), follow=True))
    assert "Switch off" in shown and "Missed in 24 h 0" in shown
    assert ScheduleMark.objects.get().counts_since.year > 2020
    client.post(deed(schedule, "run"))
    assert Job.objects.get().task == "jobs.prune"
    entries = AuditEntry.objects.order_by("id").values_list("actor", "action", "subject")
    subject = f"schedule:{schedule.pk}"
    assert list(entries) == [
        (actor(), "schedule.disable", subject),
        (actor(), "schedule.enable", subject),
        (actor(), "schedule.run_now", subject),
    ]
