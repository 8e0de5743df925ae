"""A Redis of a test's own, which may be stopped, restarted and flushed at will."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.tasks.locks.waiting import until


class PrivateRedis:
    """On a Unix socket in `folder`, nothing kept on disk."""

    def __init__(
        self, folder: Path, *, options: Iterable[str] = (), sentinel: Path | None = None
    ) -> None:
        self.path = str(folder / "redis.sock")
        self._command = ["redis-server", "--port", "0", "--unixsocket", self.path]
        self._command += ["--dir", str(folder), *options]
        if sentinel:
            self._command[1:1] = [str(sentinel), "--sentinel"]
        else:
            self._command += ["--save", ""]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def client(self, **options: object) -> Redis:
        return Redis.from_url(self.url, **options)

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until(self._answers)

    def stop(self) -> None:
        """Like a crash: no goodbye, nothing saved."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """It accepts connections and never answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except RedisError:
            return False
