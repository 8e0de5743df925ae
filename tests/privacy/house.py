"""The whole shop in processes of its own, half of them with lines and half with JSON for a log."""

from __future__ import annotations

import sys
from pathlib import Path

from stack.ports import answers, free_port
from stack.services import Services
from stack.waiting import wait_until
from tests.orders.sink import SmtpSink
from tests.privacy import failing_tasks
from tests.running import Runner, Running

FLOWER = ("admin", "flower-password")
METRICS_TOKEN = "metrics-token"
WEBHOOK_SECRET = "webhook-secret"
JSON = {"LOG_FORMAT": "json"}


class House:
    def __init__(self, runner: Runner, services: Services, sink: SmtpSink) -> None:
        self.runner = runner
        self.payments, self.flower = free_port(), free_port()
        self.webs = [free_port(), free_port()]
        host, port = sink.address
        self.env = {
            "SANDBOX_PAYMENTS_URL": f"http://127.0.0.1:{self.payments}",
            "SANDBOX_PAYMENTS_KEY": "test-key",
            "SANDBOX_WEBHOOK_URL": f"http://127.0.0.1:{self.webs[0]}/webhooks/payments/sandbox",
            "SANDBOX_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "EMAIL_URL": f"smtp://{host}:{port}",
            "FLOWER_BASIC_AUTH": ":".join(FLOWER),
            "METRICS_TOKEN": METRICS_TOKEN,
            "DJANGO_BEHIND_PROXY": "true",
        }
        self._servers = {server.log: len(log_of(server.log)) for server in services}
        self._start_front()

    def _start_front(self) -> None:
        """Everything but the workers, all at once."""
        runner = self.runner
        module = [sys.executable, "-m"]
        flower = [*module, "celery", "-A", "shop", "flower", "--address=127.0.0.1"]
        runner.start("flower", [*flower, f"--port={self.flower}"], env=self.env)
        for port, more in zip(self.webs, ({}, JSON), strict=True):
            # As ./run up does it, but with one process each: there are two webs.
            web = [*module, "gunicorn", "shop.wsgi", "--bind", f"127.0.0.1:{port}"]
            options = ["--workers", "1", "--threads", "4", "--no-control-socket"]
            runner.start("web", [*web, *options], env={**self.env, **more})
        runner.start_dispatcher(env={**self.env, **JSON})
        runner.start_provider(self.payments, env=self.env)
        for port in (*self.webs, self.flower):
            self._wait_for(port)

    def _wait_for(self, port: int) -> None:
        wait_until(lambda: answers(port), timeout_s=60)

    def start_checkout_worker(self) -> Running:
        return self._start_worker("checkout")

    def start_other_worker(self) -> Running:
        return self._start_worker("email", "default", **JSON)

    def _start_worker(self, *queues: str, **env: str) -> Running:
        return self.runner.start_worker(
            queues, include=[failing_tasks.MODULE], env={**self.env, **env}
        )

    def logs(self) -> dict[str, str]:
        """Of all processes and servers, since the house was built."""
        ours = {running.log.name: running.output for running in self.runner.started}
        servers = {
            f"{log.parent.name}'s log": log_of(log)[since:] for log, since in self._servers.items()
        }
        return {**ours, **servers}


def log_of(path: Path) -> str:
    return path.read_text(errors="replace")
