from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from tasks import effects, jobs
from tasks.context import running as runs
from tasks.models import AuditEntry, Effect, Job, JobState, new_job_id
from tests.tasks.console.pages import actor, client_with, words
from tests.tasks.running_jobs import running, state_of
from tests.tasks.test_effects import Provider

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/tasks/effect/"


def unknown(*, job_id: UUID | None = None, kind: str = "charge") -> Effect:
    long_ago = timezone.now() - timedelta(seconds=effects.PATIENCE_S + 1)
    return Effect.objects.create(
        key="order:1:charge", kind=kind, fingerprint="f", job_id=job_id, intended_at=long_ago
    )


def ask_url(effect: Effect) -> str:
    return f"{LIST}{effect.pk}/ask/"


def test_given_a_lost_answer_when_asked_then_its_job_asks_and_the_outcome_is_known() -> None:
    provider, job = Provider(), running()
    Job.objects.filter(pk=job.id).update(subject="order:1")
    with runs(job), pytest.raises(TimeoutError):
        provider.perform(provider.call_and_lose_the_answer)
    jobs.fail(job, error="TimeoutError", traceback="")
    Effect.objects.update(intended_at=timezone.now() - timedelta(seconds=effects.PATIENCE_S + 1))
    effect = Effect.objects.get()
    client = client_with("view_effect", "ask_effect")
    page = words(client.get(f"{LIST}{effect.pk}/change/"))
    assert "nobody knows what became of it" in page and "About order:1" in page
    assert effect.fingerprint in page and str(job.id) in page

    answer = client.post(ask_url(effect), follow=True)

    assert "The job of order:1:charge runs now and asks the provider" in words(answer)
    jobs.take_due(batch=9)
    with runs(running(job.id)):
        assert provider.perform() == {"made": 1}
    assert (provider.calls, provider.looks) == (1, 1)
    page = words(client.get(f"{LIST}{effect.pk}/change/"))
    assert "nobody knows" not in page and "Ask the provider" not in page
    entries = AuditEntry.objects.order_by("id").values_list("actor", "action", "subject")
    assert list(entries) == [
        (actor(), "job.retry", f"job:{job.id}"),
        (actor(), "effect.ask", "effect:order:1:charge"),
    ]


def test_a_viewer_may_not_ask_and_a_get_asks_nothing() -> None:
    job = running()
    jobs.fail(job, error="x", traceback="")
    effect = unknown(job_id=job.id)
    viewer = client_with("view_effect")
    assert "Ask the provider" not in words(viewer.get(f"{LIST}{effect.pk}/change/"))
    assert viewer.post(ask_url(effect)).status_code == 403
    assert client_with("view_effect", "ask_effect").get(ask_url(effect)).status_code == 405
    assert state_of(job) == JobState.DEAD
    assert not AuditEntry.objects.exists()


def test_who_cannot_be_asked_is_said_and_nothing_is_done() -> None:
    client = client_with("view_effect", "ask_effect")

    def answer(**fields: object) -> str:
        Effect.objects.all().delete()
        effect = unknown(**fields)  # type: ignore[arg-type]
        return words(client.post(ask_url(effect), follow=True))

    assert "A mail server can't be asked" in answer(kind="email")
    assert "is deleted: ask the provider by this key" in answer(job_id=new_job_id())
    assert "is running: it asks by itself" in answer(job_id=running().id)
    effect = unknown_but_done()
    assert "there is nothing to ask" in words(client.post(ask_url(effect), follow=True))
    assert not AuditEntry.objects.exists()


def unknown_but_done() -> Effect:
    Effect.objects.update(state=Effect.State.DONE)
    return Effect.objects.get()


def test_the_list_asks_too_and_its_filter_has_the_unknown_first() -> None:
    job = running()
    jobs.fail(job, error="x", traceback="")
    unknown(job_id=job.id)
    now = timezone.now()
    for state in ("intended", "done", "failed"):
        Effect.objects.create(
            key=f"a:{state}", kind="refund", fingerprint="f", state=state, intended_at=now
        )
    client = client_with("view_effect", "ask_effect")
    for value, key in [("unknown", "order:1:charge"), ("under-way", "a:intended"),
                       ("done", "a:done"), ("failed", "a:failed")]:  # fmt: skip
        shown = words(client.get(LIST, {"outcome": value}))
        assert key in shown
        assert sum(each.key in shown for each in Effect.objects.all()) == 1
    chosen = [str(pk) for pk in Effect.objects.values_list("pk", flat=True)]
    shown = words(
        client.post(LIST, {"action": "ask_provider", "_selected_action": chosen}, follow=True)
    )
    assert "The job of order:1:charge runs now" in shown
    assert state_of(job) == JobState.SCHEDULED
