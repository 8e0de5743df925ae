from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

CLOSED_PORT = 1  # nobody listens on tcpmux


@pytest.fixture
def redis_down(settings: Settings) -> None:
    settings.REDIS_URL = settings.JOBS_REDIS_URL = f"redis://127.0.0.1:{CLOSED_PORT}/0"


@pytest.fixture
def rabbitmq_down(settings: Settings) -> None:
    settings.CELERY_BROKER_URL = f"amqp://guest:guest@127.0.0.1:{CLOSED_PORT}//"


@pytest.fixture
def postgresql_down(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import connection

    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", CLOSED_PORT)


def test_given_a_process_then_it_is_alive_without_a_database(client: Client) -> None:
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_given_all_parts_then_it_is_ready(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "postgresql": "ok",
        "rabbitmq": "ok",
        "redis": "ok",
    }


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_down", "rabbitmq_down")
def test_given_no_broker_and_no_redis_then_it_is_degraded_but_takes_orders(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert (answer.json()["rabbitmq"], answer.json()["redis"]) == ("down", "down")


@pytest.mark.usefixtures("postgresql_down")
def test_given_no_database_then_it_is_unavailable_but_alive(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_given_tls_only_then_balancers_may_still_ask_by_plain_http(
    client: Client, settings: Settings, path: str
) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert client.post(path).status_code == 405  # refused by the view, not redirected
