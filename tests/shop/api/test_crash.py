"""The checkout of the API in real processes: crowded, and killed in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import connection

from orders.models import Order
from shop.api import keys
from shop.api.models import IdempotentReply, Scope
from stack.waiting import wait_until
from tests.shop.api.callers import wish
from tests.shop.api.serving import WAIT_S, Served, serving, stuck
from tests.shop.goods import product

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 20


@pytest.fixture
def served(transactional_db: None, tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def ours(ann: User) -> tuple[str, str]:
    """A key, and what its holder is called."""
    product("MUG-1", units=1000)
    record, key = keys.create_key(name="test", user=ann, scopes=Scope.values)
    return key, f"key:{record.pk}"


def somebody_waits() -> bool:
    """Whether a transaction waits for another one. Unlike pg_stat_activity, never out of date."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        (waits,) = cursor.fetchone()
    return bool(waits)


def ordered(served: Served, key: str, idempotency_key: str) -> bool:
    return served.checkout(key, idempotency_key).status_code == 201


def test_given_a_crowd_with_one_key_then_there_is_one_order(
    served: Served, ours: tuple[str, str]
) -> None:
    key, _ = ours
    with ThreadPoolExecutor(CROWD) as pool:
        replies = list(pool.map(lambda _: served.checkout(key, "crowd"), range(CROWD)))

    made = {reply.content for reply in replies if reply.status_code == 201}
    assert {reply.status_code for reply in replies} <= {201, 409}
    assert len(made) == 1
    assert Order.objects.count() == 1
    assert served.checkout(key, "crowd").content in made


def test_given_a_request_in_flight_then_the_same_key_has_to_wait(
    served: Served, ours: tuple[str, str]
) -> None:
    key, owner = ours
    with ThreadPoolExecutor(1) as pool:
        with stuck(owner, "slow"):
            first = pool.submit(served.checkout, key, "slow")
            wait_until(somebody_waits, timeout_s=WAIT_S)
            waiting = served.checkout(key, "slow")
            other = served.checkout(key, "another")

            assert (waiting.status_code, waiting.headers["Retry-After"]) == (409, "1")
            assert waiting.json()["type"] == "urn:shop:problem:in-flight"
            assert other.status_code == 201
        assert first.result(WAIT_S).status_code == 201
    assert served.checkout(key, "slow").content == first.result().content


@pytest.mark.chaos
def test_given_a_web_killed_before_the_commit_then_the_key_is_free_again(
    served: Served, ours: tuple[str, str]
) -> None:
    key, owner = ours
    with ThreadPoolExecutor(1) as pool, stuck(owner, "killed"):
        lost = pool.submit(served.checkout, key, "killed")
        wait_until(somebody_waits, timeout_s=WAIT_S)
        served.kill()
        assert isinstance(lost.exception(WAIT_S), httpx.TransportError)
    assert not Order.objects.exists()

    served.restart()
    wait_until(lambda: ordered(served, key, "killed"), timeout_s=WAIT_S)
    assert Order.objects.count() == IdempotentReply.objects.count() == 1


@pytest.mark.chaos
def test_given_a_web_killed_after_the_commit_then_the_reply_is_found(
    served: Served, ours: tuple[str, str]
) -> None:
    key, _ = ours
    # Sent, and hung up before the answer is read.
    with served.client(key) as impatient, pytest.raises(httpx.ReadTimeout):
        impatient.post(
            "/checkout",
            json=wish(),
            headers={"Idempotency-Key": "lost"},
            timeout=httpx.Timeout(WAIT_S, read=0.001),
        )
    wait_until(lambda: Order.objects.count() == 1, timeout_s=WAIT_S)
    served.kill()

    served.restart()
    again = served.checkout(key, "lost")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert Order.objects.get().code == again.json()["code"]
