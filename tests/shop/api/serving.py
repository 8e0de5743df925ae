"""The shop as the process that serves it, for tests that kill it or crowd it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from django.db import transaction

from shop.api.models import IdempotentReply
from stack.ports import answers, free_port
from tests.running import Runner, Running
from tests.shop.api.callers import wish

WAIT_S = 30.0


@dataclass
class Served:
    """A running gunicorn."""

    runner: Runner
    port: int
    env: Mapping[str, str]
    running: Running

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """kill -9 of all its processes."""
        self.running.kill()

    def restart(self) -> None:
        self.running = _start(self.runner, self.port, self.env)

    def client(self, key: str) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.url}/api",
            headers={"Authorization": f"Bearer {key}"},
            timeout=WAIT_S,
            trust_env=False,
        )

    def checkout(self, key: str, idempotency_key: str) -> httpx.Response:
        """Over a connection of its own."""
        with self.client(key) as alone:
            headers = {"Idempotency-Key": idempotency_key}
            return alone.post("/checkout", json=wish(), headers=headers)


@contextmanager
def serving(logs: Path, *, port: int = 0, env: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Two processes with eight threads each, as `./run up` starts them, until the block ends."""
    logs.mkdir(exist_ok=True)
    runner, port, env = Runner(logs), port or free_port(), env or {}
    try:
        yield Served(runner, port, env, _start(runner, port, env))
    finally:
        runner.stop_all()


def _start(runner: Runner, port: int, env: Mapping[str, str]) -> Running:
    return runner.start(
        "web",
        [
            *(sys.executable, "-m", "gunicorn", "shop.wsgi", "--bind", f"127.0.0.1:{port}"),
            *("--workers", "2", "--threads", "8", "--no-control-socket"),
        ],
        # Not "the port answers": a killed one's children may still do so for a moment.
        ready=lambda running: "Booting worker" in running.output and answers(port),
        env={"API_CHECKOUTS_PER_MINUTE": "100000", "API_STREAM_S": "3", **env},
    )


@contextmanager
def stuck(owner: str, key: str) -> Iterator[None]:
    """Whoever checks out with the key is stuck when it saves its reply, until the block ends.

    An uncommitted row of the same key holds its INSERT up; in the end it is rolled back.
    """
    with transaction.atomic():
        IdempotentReply.objects.create(
            owner=owner, key=key, fingerprint="", status=201, body="somebody else's"
        )
        yield
        transaction.set_rollback(True)
