from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tasks.models import AuditEntry, JobState, PausedQueue
from tests.tasks.running_jobs import scheduled, state_of

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    out = StringIO()
    call_command("queues", *args, stdout=out)
    return out.getvalue()


def test_the_list_shows_every_queue_and_who_paused_it() -> None:
    scheduled()
    assert run("pause", "default", "--reason", "repairs").strip() == "default is paused."
    page = run()
    assert "checkout" in page
    assert "repairs" in page
    by_name = {each["name"]: each for each in json.loads(run("list", "--json"))}
    assert by_name["default"]["due"] == 1
    assert by_name["default"]["pause"]["by"].startswith("manage.py:")
    assert by_name["checkout"]["pause"] is None


def test_pause_and_resume_say_when_there_was_nothing_to_do() -> None:
    run("pause", "default")
    with pytest.raises(CommandError, match="paused already"):
        run("pause", "default")
    assert json.loads(run("resume", "default", "--json")) == {"queue": "default", "paused": False}
    assert not PausedQueue.objects.exists()
    with pytest.raises(CommandError, match="isn't paused"):
        run("resume", "default")
    with pytest.raises(CommandError, match="No queue 'defualt': there are"):
        run("pause", "defualt")


def test_a_purge_wants_the_name_again() -> None:
    job_id = scheduled()
    with pytest.raises(CommandError, match="Type the queue's name, default"):
        run("purge", "default")
    assert state_of(job_id) == JobState.SCHEDULED
    assert run("purge", "default", "--confirm", "default").strip() == "1 jobs are cancelled."
    assert AuditEntry.objects.get().action == "queue.purge"
