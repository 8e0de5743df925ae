"""The admin's pages of the locks, on a real Redis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings
from redis import Redis

from stack.services import Services
from tasks import lock_pages
from tasks.context import CurrentJob, running
from tasks.locks import Locker, LockLost, lock, lock_all
from tasks.locks.default import default_locker
from tasks.models import AuditEntry
from tests.tasks.locks.crowd import in_line

pytestmark = pytest.mark.django_db

LIST = "/admin/tasks/lock/"
Answer = Any
"""The test client's response, whose class has no public name."""
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def redis(services: Services) -> Iterator[Redis]:
    """The Redis of the settings, empty."""
    with services.redis.client() as client:
        client.flushall()
        yield client


def client_with(*codenames: str) -> Client:
    """A member of the staff with just these permissions."""
    user = User.objects.create_user("olga", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def text_of(answer: Answer) -> str:
    """What a reader sees, without tags, in one line."""
    body = re.sub(r"<(style|script).*?</\1>", "", answer.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def release_url(client: Client) -> str:
    """Where the list's first release link leads."""
    found = re.search(r'href="([^"]*/release/[^"]*)"', client.get(LIST).content.decode())
    assert found
    return unescape(found[1])


def confirmed(client: Client, url: str, *, reason: str = "stuck") -> Answer:
    """Sends the form of the confirmation page, as a browser does."""
    page = client.get(url).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(key|value)" value="([^"]*)"', page))
    form = {name: unescape(value) for name, value in hidden.items()}
    return client.post(url.partition("?")[0], {**form, "reason": reason}, follow=True)


def test_given_no_locks_then_the_page_says_so_and_the_index_leads_to_it(redis: Redis) -> None:
    client = client_with("view_lock")
    assert f'href="{LIST}"' in client.get(reverse("admin:index")).content.decode()
    assert "No lock is held at the moment." in text_of(client.get(LIST))


def test_given_a_job_that_holds_a_lock_then_it_shows_and_leads_to_the_job(redis: Redis) -> None:
    job = CurrentJob(id=uuid4(), attempt=1, task="t", correlation_id="", worker="w")
    with running(job), lock("stock:<1>") as held:
        answer = client_with("view_lock", "view_job").get(LIST)

    assert "stock:<1>" in text_of(answer) and str(held.token) in text_of(answer)
    assert reverse("admin:tasks_job_change", args=[job.id]) in answer.content.decode()
    assert "/release/" not in answer.content.decode()


def test_given_no_permission_for_jobs_then_the_job_is_named_without_a_link(redis: Redis) -> None:
    job = CurrentJob(id=uuid4(), attempt=1, task="t", correlation_id="", worker="w")
    with running(job), lock("stock:1"):
        page = client_with("view_lock").get(LIST).content.decode()
    assert str(job.id) in page and f"/job/{job.id}" not in page


def test_given_waiters_then_they_show_in_the_order_of_their_turn(redis: Redis) -> None:
    def wait() -> None:
        Locker(default_locker().client).lock("stock:1", wait=5).release()

    held = lock("stock:1")
    with in_line(redis, "stock:1", wait, wait) as waiters:
        text = text_of(client_with("view_lock").get(LIST))
    held.release()
    for waiter in waiters:
        waiter.result()

    assert "1 held, 2 waiting" in text
    assert text.index("1. in line") < text.index("2. in line")


def test_given_a_part_of_a_key_then_only_such_locks_show(redis: Redis) -> None:
    client = client_with("view_lock")
    with lock_all(["stock:1", "order:2"]):
        text = text_of(client.get(LIST, {"q": "tock:"}))
        nothing = text_of(client.get(LIST, {"q": "nothing*"}))
    assert "stock:1" in text and "order:2" not in text
    assert "No lock whose key contains “nothing*” is held." in nothing


def test_given_more_locks_than_fit_then_the_page_says_how_to_find_them(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_pages, "SHOWN", 2)
    with lock_all(["a", "b", "c"]):
        assert "There are more" in text_of(client_with("view_lock").get(LIST))


def test_given_a_foreign_lock_then_it_shows_and_can_be_released(redis: Redis) -> None:
    redis.set("lock:a", "plain & <simple>")
    client = client_with("view_lock", "release_lock")
    assert "plain & <simple>" in text_of(client.get(LIST))
    confirmed(client, release_url(client))
    assert not redis.exists("lock:a")


def test_given_a_release_that_is_confirmed_then_it_is_done_said_and_on_record(
    redis: Redis,
) -> None:
    client = client_with("view_lock", "release_lock")
    held = lock("stock:1")
    answer = confirmed(client, release_url(client))

    assert "“stock:1” was taken from" in text_of(answer)
    with pytest.raises(LockLost):
        held.release()
    entry = AuditEntry.objects.get()
    assert entry.actor == f"user:{User.objects.get().pk}"
    assert (entry.action, entry.subject, entry.reason) == ("lock.release", "lock:stock:1", "stuck")


def test_given_somebody_else_holds_it_by_now_when_confirmed_then_they_keep_it(
    redis: Redis,
) -> None:
    client = client_with("view_lock", "release_lock")
    first = lock("stock:1")
    url = release_url(client)
    page = client.get(url).content.decode()
    value = re.search(r'name="value" value="([^"]*)"', page)
    assert value
    first.release()
    with lock("stock:1"):
        form = {"key": "stock:1", "value": unescape(value[1]), "reason": "stuck"}
        answer = client.post(url.partition("?")[0], form, follow=True)
        assert "Nothing was done" in text_of(answer)
    assert not AuditEntry.objects.exists()


def test_given_nobody_holds_it_any_more_then_it_says_so(redis: Redis) -> None:
    client = client_with("view_lock", "release_lock")
    held = lock("stock:1")
    url = release_url(client)
    held.release()
    assert "Nothing was done" in text_of(client.get(url, follow=True))
    assert not AuditEntry.objects.exists()


def test_given_no_reason_then_the_form_asks_for_one(redis: Redis) -> None:
    client = client_with("view_lock", "release_lock")
    with lock("stock:1"):
        answer = confirmed(client, release_url(client), reason="")
        assert answer.status_code == 400
        assert "This field is required." in text_of(answer)
    assert not AuditEntry.objects.exists()


def test_given_a_get_with_everything_in_it_then_nothing_is_released(redis: Redis) -> None:
    client = client_with("view_lock", "release_lock")
    with lock("stock:1"):
        assert client.get(release_url(client) + "&reason=stuck").status_code == 200


@pytest.mark.parametrize("permissions", [[], ["view_lock"], ["release_lock"]])
def test_given_a_permission_is_missing_then_nothing_is_released(
    redis: Redis, permissions: list[str]
) -> None:
    client = client_with(*permissions)
    with lock("stock:1") as held:
        form = {"key": "stock:1", "value": held.value.decode(), "reason": "stuck"}
        assert client.post(f"{LIST}release/", form).status_code == 403
        assert client.get(f"{LIST}release/", form).status_code == 403
    assert client.get(LIST).status_code == (200 if "view_lock" in permissions else 403)
    assert not AuditEntry.objects.exists()


def test_given_a_stranger_or_a_forged_form_then_nothing_is_released(redis: Redis) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("root"))
    with lock("stock:1") as held:
        form = {"key": "stock:1", "value": held.value.decode(), "reason": "stuck"}
        assert Client().post(f"{LIST}release/", form).status_code == 302
        assert strict.post(f"{LIST}release/", form).status_code == 403


def test_given_redis_is_down_then_the_pages_say_so(settings: Settings) -> None:
    settings.LOCKS_REDIS_URL = NOWHERE
    client = client_with("view_lock", "release_lock")
    answer = client.get(LIST)
    assert answer.status_code == 503 and "nobody knows which locks are held" in text_of(answer)
    form = {"key": "stock:1", "value": "lk1|x|h|1|", "reason": "stuck"}
    answer = client.post(f"{LIST}release/", form)
    assert answer.status_code == 503 and "nobody knows whether “stock:1”" in text_of(answer)


@pytest.mark.parametrize("key", ["", "x" * 2000])
def test_given_a_key_that_no_lock_can_have_then_it_is_not_held(redis: Redis, key: str) -> None:
    client = client_with("view_lock", "release_lock")
    answer = client.get(f"{LIST}release/", {"key": key, "value": "v"}, follow=True)
    assert answer.status_code == 200 and "Nothing was done" in text_of(answer)


def test_given_a_dump_of_the_database_then_the_model_without_a_table_is_empty_in_it() -> None:
    out = StringIO()
    call_command("dumpdata", "tasks.lock", stdout=out)
    assert out.getvalue().strip() == "[]"
