from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

pytestmark = pytest.mark.django_db

TOKEN = "a-long-random-token"


def test_given_no_token_in_the_settings_then_there_is_no_such_page(client: Client) -> None:
    assert client.get("/metrics").status_code == 404


@pytest.mark.parametrize(
    "header", [None, "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer ä"]
)
def test_given_no_or_a_wrong_token_then_nothing_is_told(
    client: Client, settings: Settings, header: str | None
) -> None:
    settings.METRICS_TOKEN = TOKEN

    answer = client.get("/metrics", headers={"Authorization": header} if header else {})

    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_given_the_token_then_jobs_and_locks_are_told(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN

    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    text = answer.content.decode()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "jobs_ledger_up 1.0" in text
    assert "lock_metrics_up 1.0" in text


def test_given_a_post_then_it_is_refused(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN

    assert client.post("/metrics").status_code == 405
