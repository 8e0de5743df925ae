"""The provider as a process of its own, and a client that speaks plain HTTP with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from django.db import connection, transaction

from orders.sandbox.models import Charge, IdempotencyRecord
from stack.waiting import wait_until
from tests.running import Runner, Running, manage

# What the provider commits, no rollback undoes. Only its own tables are truncated after each test:
# all tables would take longer than most of the tests.
COMMITTING = pytest.mark.django_db(transaction=True, available_apps=["orders.sandbox"])

KEY = "sandbox-test-key"
SETTLE_S = 0.3
WAIT_S = 20.0

READY = re.compile(r"ready on http://127\.0\.0\.1:(\d+)\n")


@dataclass
class Served:
    """A running provider."""

    runner: Runner
    running: Running

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{port_of(self.running)}"

    def database_connections(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s",
                [application_name(self.runner)],
            )
            (count,) = cursor.fetchone()
        return int(count)

    def kill(self) -> None:
        """kill -9."""
        self.running.kill()

    def restart(self) -> None:
        """Once more on the same port, so that clients find it again."""
        self.running = start(self.runner, port=port_of(self.running))


@contextmanager
def serving(folders: pytest.TempPathFactory) -> Iterator[Served]:
    """A provider until the block ends."""
    runner = Runner(folders.mktemp("sandbox"))
    try:
        yield Served(runner, start(runner))
    finally:
        runner.stop_all()


def start(runner: Runner, *, port: int = 0) -> Running:
    return runner.start(
        "sandbox-payments",
        manage("sandbox_payments", "--port", str(port)),
        ready=lambda running: bool(READY.search(running.output)),
        env={
            "SANDBOX_PAYMENTS_KEY": KEY,
            "SANDBOX_SETTLE_S": str(SETTLE_S),
            "SANDBOX_HANG_S": "60",
            "PGAPPNAME": application_name(runner),
        },
    )


def application_name(runner: Runner) -> str:
    """What the provider's database connections are called."""
    return f"under test: {runner.logs.name}"


def port_of(running: Running) -> int:
    found = READY.search(running.output)
    assert found
    return int(found[1])


@dataclass(frozen=True)
class Client:
    """Asks the provider, with the right key unless told otherwise."""

    http: httpx.Client

    def charge(self, key: str, card: str = "pm_ok", **changes: Any) -> httpx.Response:
        wish = {"amount_minor": 1250, "currency": "GBP", "payment_method": card, **changes}
        return self.post("/charges", key, wish)

    def refund(self, key: str, charge: str, amount_minor: int) -> httpx.Response:
        return self.post("/refunds", key, {"charge": charge, "amount_minor": amount_minor})

    def post(self, path: str, key: str, wish: object) -> httpx.Response:
        return self.http.post(path, headers={"Idempotency-Key": key}, json=wish)

    def get(self, path: str, **params: str) -> httpx.Response:
        return self.http.get(path, params=params)

    def look_up(self, key: str) -> list[Any]:
        """What was made with the key, as soon as nobody works on it."""
        answer = wait_until(
            lambda: found if (found := self.get("/charges", key=key)).status_code != 409 else None,
            timeout_s=WAIT_S,
        )
        assert answer is not None and answer.status_code == 200
        data: list[Any] = answer.json()["data"]
        return data


@contextmanager
def client(url: str, *, key: str = KEY, timeout_s: float = WAIT_S) -> Iterator[Client]:
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=timeout_s, trust_env=False) as http:
        yield Client(http)


@contextmanager
def stuck(key: str) -> Iterator[None]:
    """Whoever asks the provider with the key is stuck in mid-work until the end of the block.

    An uncommitted row of the same key holds its INSERT up; in the end it is rolled back.
    """
    with transaction.atomic():
        IdempotencyRecord.objects.create(key=key, fingerprint="somebody else's")
        yield
        transaction.set_rollback(True)


def charged() -> int:
    """How many charges the provider's tables hold."""
    return Charge.objects.count()
