"""The shop's processes and servers, and everything that can happen to them."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection

from stack.ports import free_port
from stack.services import Services
from tests.orders.sink import SmtpSink
from tests.running import Runner, Running

Disaster = Callable[[], None]


class House:
    """The shop's processes and servers, and what can happen to them."""

    def __init__(self, runner: Runner, services: Services, sink: SmtpSink) -> None:
        self.runner = runner
        self.services = services
        self.port = free_port()
        host, port = sink.address
        self.env = {
            "SANDBOX_PAYMENTS_URL": f"http://127.0.0.1:{self.port}",
            "SANDBOX_PAYMENTS_KEY": "test-key",
            "SANDBOX_HANG_S": "3",
            "PAYMENT_TIMEOUT_S": "1",
            "EMAIL_URL": f"smtp://{host}:{port}",
            "JOBS_LEASE_S": "6",
            "JOBS_REPUBLISH_AFTER_S": "3",
        }
        self.provider = self.start_provider()
        self.dispatcher = runner.start_dispatcher(env=self.env)
        self.worker = self.start_worker()

    def start_provider(self) -> Running:
        return self.runner.start_provider(self.port, env=self.env)

    def start_worker(self) -> Running:
        return self.runner.start_worker(("checkout", "email"), 2, env=self.env)

    def disasters(self) -> list[Disaster]:
        return [
            self.kill_a_child,
            self.kill_the_worker,
            self.kill_the_dispatcher,
            self.kill_the_provider,
            self.wipe_the_broker,
            self.kill_the_broker,
            self.flush_redis,
            self.kill_redis,
            self.restart_postgres,
        ]

    def kill_a_child(self) -> None:
        self.worker.kill_child()

    def kill_the_worker(self) -> None:
        self.worker.kill()
        self.worker = self.start_worker()

    def kill_the_dispatcher(self) -> None:
        self.dispatcher.kill()
        self.dispatcher = self.runner.start_dispatcher(env=self.env)

    def kill_the_provider(self) -> None:
        self.provider.kill()
        self.provider = self.start_provider()

    def wipe_the_broker(self) -> None:
        self.services.rabbitmq.wipe()

    def kill_the_broker(self) -> None:
        self.services.rabbitmq.kill()
        self.services.rabbitmq.start()

    def flush_redis(self) -> None:
        with self.services.redis.client() as client:
            client.flushall()

    def kill_redis(self) -> None:
        self.services.redis.kill()
        self.services.redis.start()

    def restart_postgres(self) -> None:
        connection.close()
        self.services.postgres.restart()
