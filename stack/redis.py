"""A private Redis: its own port and password; loopback only.

It keeps nothing on disk: locks, wake-ups and the cache are all things that may be lost.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from redis import Redis as Client
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from stack.errors import NotInstalled
from stack.ports import LOOPBACK
from stack.server import Server

CONFIG = """\
bind {host}
port {port}
dir {directory}
requirepass {password}
save ""
appendonly no
"""


class Redis(Server):
    name = "Redis"
    start_timeout_s = 20.0
    stop_timeout_s = 10.0

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{self.host}:{self.port}/0"

    @property
    def config(self) -> Path:
        return self.directory / "redis.conf"

    def prepare(self) -> None:
        """The password goes into a file: a command line is public."""
        text = CONFIG.format(
            host=LOOPBACK,
            port=self.port,
            directory=f'"{self.directory}"',
            password=self.password,
        )
        self.account.write(self.config, text)

    def command(self) -> list[str | Path]:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        if not program:
            raise NotInstalled("Redis is not installed: apt-get install redis-server")
        return [program, self.config]

    def client(self) -> Client:
        """A new client without retries. Close it."""
        return Client.from_url(
            self.url,
            socket_timeout=3,
            socket_connect_timeout=3,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )

    def ready(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False
