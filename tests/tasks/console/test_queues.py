from __future__ import annotations

import pytest

from stack.services import Services
from tasks import queues
from tasks.models import AuditEntry, JobState, PausedQueue
from tests.tasks.console.pages import actor, client_with, words
from tests.tasks.running_jobs import queued, running, scheduled, state_of

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/tasks/job/queues/"
DEEDS = {"pause": "pause_queue", "resume": "pause_queue", "purge": "purge_queue"}


def deed(name: str, queue: str = "default") -> str:
    return f"{PAGE}{name}/?queue={queue}"


def test_given_jobs_in_every_state_then_each_queue_says_how_many() -> None:
    running()
    for name in ("b", "c"):
        queued(name)
    scheduled("d")
    scheduled("e", countdown=600)
    shown = words(client_with("view_job").get(PAGE))
    assert "default 1 2 1 1 0" in shown
    assert "checkout 0 0 0 0 0 –" in shown
    assert "Pause…" not in shown and "Purge…" not in shown


@pytest.mark.parametrize(("name", "permission"), DEEDS.items())
def test_a_viewer_is_refused_and_a_look_changes_nothing(name: str, permission: str) -> None:
    job_id = scheduled()
    viewer = client_with("view_job")
    assert viewer.get(deed(name)).status_code == 403
    data = {"reason": "because", "confirm": "default"}
    assert viewer.post(deed(name), data).status_code == 403
    assert client_with(permission).get(deed(name)).status_code == 403
    allowed = client_with("view_job", permission)
    assert allowed.get(f"{deed(name)}&reason=because&confirm=default").status_code == 200
    assert state_of(job_id) == JobState.SCHEDULED
    assert not PausedQueue.objects.exists() and not AuditEntry.objects.exists()


def test_given_a_reason_then_a_queue_is_paused_and_resumed_on_record() -> None:
    client = client_with("view_job", "pause_queue")
    assert client.post(deed("pause"), {"reason": " "}).status_code == 400
    answer = client.post(deed("pause"), {"reason": "a bad release"}, follow=True)
    assert "default is paused." in words(answer)
    assert f"by {actor()} since" in words(answer) and ": a bad release" in words(answer)
    assert "Resume…" in words(answer)
    answer = client.post(deed("resume"), {"reason": "mended"}, follow=True)
    assert "default goes on." in words(answer)
    assert "default was not paused." in words(
        client.post(deed("resume"), {"reason": "again"}, follow=True)
    )
    entries = AuditEntry.objects.order_by("id").values_list("actor", "action", "reason")
    assert list(entries) == [
        (actor(), "queue.pause", "a bad release"),
        (actor(), "queue.resume", "mended"),
    ]


def test_a_purge_wants_the_queues_name_typed_and_says_how_many_it_cancels() -> None:
    client = client_with("view_job", "purge_queue")
    waits, later, runs = queued(), scheduled(countdown=600), running()
    question = words(client.get(deed("purge")))
    assert "Due 0 Queued 1 Later 1" in question
    assert (
        "has not started is cancelled: 2 by now" in question
        and "Running now, and going on: 1." in question
    )

    for wrong in ("", "Default", "default ", "checkout"):
        answer = client.post(deed("purge"), {"reason": "old", "confirm": wrong})
        assert answer.status_code == 400 and "Type the queue" in words(answer)
    assert state_of(waits) == JobState.QUEUED and not AuditEntry.objects.exists()

    answer = client.post(deed("purge"), {"reason": "old", "confirm": "default"}, follow=True)
    assert "2 jobs of default are cancelled." in words(answer)
    states = [state_of(job) for job in (waits, later, runs)]
    assert states == [JobState.CANCELLED, JobState.CANCELLED, JobState.RUNNING]
    assert AuditEntry.objects.get().details == {"cancelled": 2}


def test_rabbitmq_is_asked_only_on_demand_and_may_fail(
    empty_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues.pause(queue="email", actor="user:1")
    client = client_with("view_job")
    assert 'hx-get="?"' in client.get(PAGE).content.decode()
    answer = client.get(f"{PAGE}?broker")
    assert 'hx-get="?"' not in answer.content.decode()
    assert "checkout 0 0 0 0 0 – 0 0" in words(answer)
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", "amqp://127.0.0.1:1//")
    answer = client.get(f"{PAGE}?broker")
    assert answer.status_code == 200
    assert "RabbitMQ can’t be asked." in words(answer) and "email paused" in words(answer)


def test_an_unknown_queue_or_deed_is_not_found() -> None:
    client = client_with("view_job", "pause_queue", "purge_queue")
    assert client.get(deed("pause", "nowhere")).status_code == 404
    assert client.get(f"{PAGE}drop/?queue=default").status_code == 404
    assert client.post(PAGE).status_code == 405
