"""The three servers together."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from stack.accounts import reachable_home, server_account
from stack.notebook import Notebook
from stack.postgres import Postgres
from stack.processes import Tracked
from stack.rabbitmq import RabbitMQ
from stack.redis import Redis
from stack.server import Server


@dataclass(frozen=True)
class Services:
    postgres: Postgres
    redis: Redis
    rabbitmq: RabbitMQ

    def __iter__(self) -> Iterator[Server]:
        return iter((self.postgres, self.redis, self.rabbitmq))

    @property
    def environment(self) -> dict[str, str]:
        """What the project's settings want to know of them."""
        return {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "CELERY_BROKER_URL": self.rabbitmq.url,
        }

    def start(self) -> None:
        """All at once, as slow as the slowest. Raises the first `StackError`."""
        together(self, "start")

    def stop(self) -> None:
        together(self, "stop")


def private_services(
    directory: Path, notebook: Notebook, *, durable: bool = True, only_looks: bool = False
) -> Services:
    """The servers that live under the directory, started or not.

    A server that does not run gets another port when a stranger has taken its own, unless the
    caller `only_looks`.
    """
    account = server_account()
    home = reachable_home(directory.resolve(), account)

    def port(name: str, folder: str) -> int:
        found = Tracked.read(home / folder / "server.pid")
        return notebook.port(name, ours=only_looks or bool(found and found.alive()))

    return Services(
        Postgres(
            home / "postgres",
            port=port("postgres", "postgres"),
            password=notebook.secret("postgres"),
            account=account,
            durable=durable,
        ),
        Redis(
            home / "redis",
            port=port("redis", "redis"),
            password=notebook.secret("redis"),
            account=account,
        ),
        RabbitMQ(
            home / "rabbitmq",
            port=port("rabbitmq", "rabbitmq"),
            distribution_port=port("rabbitmq-distribution", "rabbitmq"),
            epmd_port=port("epmd", "rabbitmq"),
            password=notebook.secret("rabbitmq"),
            account=account,
        ),
    )


def together(servers: Services | list[Server], verb: str) -> None:
    """Call the method of each server, all at once."""
    found = list(servers)
    with ThreadPoolExecutor(max_workers=len(found) or 1) as pool:
        for future in [pool.submit(getattr(server, verb)) for server in found]:
            future.result()
