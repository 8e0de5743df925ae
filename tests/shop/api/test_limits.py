"""So many requests a minute, and what happens when nobody can count."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client
from django_redis import get_redis_connection
from pytest_django import Settings

from shop.api import limits
from shop.api.limits import ORDERING, READING, spend
from stack.waiting import wait_until
from tests.shop.api.callers import Program, key_of, user
from tests.shop.goods import product

CLOSED_PORT = 1


@pytest.fixture
def redis_down(settings: Settings) -> None:
    broken = copy.deepcopy(django_settings.CACHES)
    broken["default"]["LOCATION"] = f"redis://127.0.0.1:{CLOSED_PORT}/0"
    settings.CACHES = broken
    settings.JOBS_REDIS_URL = broken["default"]["LOCATION"]
    assert caches["default"].get("anything") is None


@pytest.mark.django_db
def test_given_an_allowance_then_the_next_request_is_told_when_to_come_again(
    client: Client, settings: Settings
) -> None:
    settings.API_READS_PER_MINUTE = 3
    answers = [client.get("/api/products") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0]["RateLimit-Policy"] == '"reading";q=3;w=60'
    assert answers[0]["RateLimit"].startswith('"reading";r=2;t=')
    refused = answers[3]
    assert refused["Content-Type"] == "application/problem+json"
    assert refused["RateLimit"].startswith('"reading";r=0;t=')
    assert 1 <= int(refused["Retry-After"]) <= 20


@pytest.mark.django_db
def test_given_one_caller_at_the_limit_then_others_are_not(
    client: Client, program: Program, ann: User, settings: Settings
) -> None:
    settings.API_READS_PER_MINUTE = 1
    other, bob = Program(client, key_of(ann)), Program(client, key_of(user("bob")))

    assert [program.get("/products").status_code for _ in range(2)] == [200, 429]
    assert other.get("/products").status_code == 200
    assert bob.get("/products").status_code == 200
    assert client.get("/api/products").status_code == 200
    assert client.get("/api/products", REMOTE_ADDR="192.0.2.7").status_code == 200


@pytest.mark.django_db
def test_given_a_proxy_then_the_address_is_what_it_saw_and_not_what_the_client_says(
    client: Client, settings: Settings
) -> None:
    settings.API_READS_PER_MINUTE = 1
    settings.BEHIND_PROXY = True

    def ask(forwarded: str) -> int:
        return client.get("/api/products", headers={"X-Forwarded-For": forwarded}).status_code

    assert ask("192.0.2.1") == 200
    assert ask("made up, 192.0.2.1") == 429
    assert ask("192.0.2.1, 192.0.2.2") == 200
    settings.BEHIND_PROXY = False
    assert ask("192.0.2.3") == 200
    assert ask("192.0.2.4") == 429


def test_given_a_crowd_then_not_one_too_many_gets_through(settings: Settings) -> None:
    settings.API_READS_PER_MINUTE = 10
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda _: spend(READING, "key:1"), range(40)))

    # One more comes back every six seconds.
    allowed = sum(verdict is not None and verdict.allowed for verdict in verdicts)
    assert 10 <= allowed <= 12


def test_given_a_wait_then_a_request_comes_back(settings: Settings) -> None:
    settings.API_READS_PER_MINUTE = 120
    while (verdict := spend(READING, "key:1")) and verdict.allowed:
        pass
    assert verdict is not None and 0 < verdict.wait_s <= 0.5

    def allowed() -> bool:
        verdict = spend(READING, "key:1")
        return verdict is not None and verdict.allowed

    wait_until(allowed, timeout_s=5)


@pytest.mark.django_db
def test_given_a_guest_then_redis_does_not_know_the_address(client: Client) -> None:
    client.get("/api/products", REMOTE_ADDR="192.0.2.99")

    kept = list(get_redis_connection("default").scan_iter(f"{limits.PREFIX}*"))
    assert len(kept) == 1
    assert b"192.0.2.99" not in kept[0]


@pytest.mark.django_db
def test_given_no_redis_then_reading_goes_on_and_ordering_is_still_counted(
    redis_down: None, program: Program, settings: Settings
) -> None:
    product("MUG-1")
    settings.API_READS_PER_MINUTE = settings.API_CHECKOUTS_PER_MINUTE = 2

    reading = [program.get("/products") for _ in range(4)]
    ordering = [program.checkout(f"k{number}") for number in range(3)]

    assert [answer.status_code for answer in reading] == [200] * 4
    assert "RateLimit" not in reading[0]
    assert [answer.status_code for answer in ordering] == [201, 201, 429]
    assert 1 <= int(ordering[2]["Retry-After"]) <= 30


def test_given_no_redis_then_the_local_count_is_the_same_sum(
    redis_down: None, settings: Settings
) -> None:
    settings.API_CHECKOUTS_PER_MINUTE = 120
    taken = 0
    while (verdict := spend(ORDERING, "key:1")) and verdict.allowed:
        taken += 1

    assert 120 <= taken <= 125
    assert verdict is not None and 0 < verdict.wait_s <= 0.5


def test_given_a_flood_of_callers_then_the_local_count_stays_small(
    redis_down: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_LOCAL_CALLERS", 100)
    for number in range(1000):
        spend(ORDERING, f"address:{number}")

    assert len(limits._local._empty_at) <= 100
