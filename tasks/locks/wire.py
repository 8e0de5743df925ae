"""One connection to Redis for locks: calls go out on it and wake-ups come in on it.

It speaks RESP3, in which one connection can run scripts and be subscribed to a channel at the same
time. So a waiter hears of its turn on the connection it asked on, while it stays free to ask again,
and Redis knows at once when the waiter is gone: nobody hears its channel.

redis-py makes the connection (TLS, passwords, Sentinel, Unix sockets); the bytes on it are ours.
Every call ends within its time: with an answer, or with `LockUnavailable` and a closed connection.
"""

from __future__ import annotations

import secrets
from time import monotonic
from typing import Any, Final

import hiredis
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, ConnectionPool
from redis.exceptions import RedisError
from redis.retry import Retry

from tasks.locks import scripts
from tasks.locks.errors import LockError, LockUnavailable
from tasks.locks.line import Line

_NOTHING_YET: Final = object()
_SKIP_REPLY: Final = scripts.pack(b"CLIENT", b"REPLY", b"SKIP")


class Wire:
    """Used by one thread at a time. `channel` is its own."""

    def __init__(self, pool: ConnectionPool, *, prefix: str, timeout_s: float) -> None:
        self._id: Final = secrets.token_hex(8)
        self.channel: Final = f"{prefix}wake:{self._id}".encode()
        self.timeout_s: Final = timeout_s
        self.pool: Final = pool
        self._count = 0
        self._connection: AbstractConnection | None = None
        self._line: Line | None = None
        self._reader = hiredis.Reader()
        self._news: list[tuple[int | bytes, bytes]] = []

    def nonce(self) -> str:
        """A name for one acquisition, never used before."""
        self._count += 1
        return f"{self._id}.{self._count}"

    def call(self, packed: bytes, *, timeout_s: float | None = None) -> Any:
        """The answer to one packed script call, within `timeout_s` or the usual time.

        A connection that has died meanwhile is opened again and the call repeated, once: every
        script gives the same owner the same answer. Raises `LockUnavailable`, `LockError`.
        """
        until = None if timeout_s is None else monotonic() + timeout_s
        try:
            answer = self._exchange(packed, until)
        except (OSError, RedisError, hiredis.HiredisError) as error:
            self.close()
            raise LockUnavailable(
                f"Redis did not answer: {str(error) or type(error).__name__}"
            ) from error
        except BaseException:
            # Interrupted, by a time limit for instance: an answer may still be on its way.
            self.close()
            raise
        if isinstance(answer, hiredis.ReplyError):
            self._refused(answer)
        return answer

    def tell(self, packed: bytes) -> None:
        """Send a call whose answer nobody waits for; errors show at the next call."""
        if self._line is not None:
            try:
                self._line.send(_SKIP_REPLY + packed)
            except OSError:
                self.close()

    def next_wakeup(self, owner: bytes, *, until: float) -> int | bytes | None:
        """The token with which `owner` was woken (0: "try"), the answer to its request, or None
        when `until` has come.

        `until` is a time of `monotonic()`. Raises `ConnectionError` when the connection broke: ask
        again. Messages for earlier waits are dropped.
        """
        try:
            while True:
                # Of several the newest: what was handed over before is over by now.
                for news, name in reversed(self._news):
                    if name == owner:
                        self._news.clear()
                        return news
                self._news.clear()
                if self._line is None:
                    raise ConnectionError("not connected")
                self._receive(self._line, until)
        except TimeoutError:
            return None
        except (OSError, hiredis.HiredisError) as error:
            self.close()
            raise ConnectionError(str(error)) from error
        except BaseException:
            self.close()
            raise

    def answer_heard(self, owner: bytes) -> bytes | None:
        """The answer to the request of `owner`, if it came in beside the answers to calls."""
        for news, name in self._news:
            if name == owner and isinstance(news, bytes):
                return news
        return None

    def close(self) -> None:
        """Hang up. The next call connects again."""
        connection, self._connection, self._line = self._connection, None, None
        self._news.clear()
        if connection is not None:
            connection.disconnect()  # type: ignore[no-untyped-call]

    # --- inside ----------------------------------------------------------------------------------

    def _exchange(self, packed: bytes, until: float | None) -> Any:
        if self._line is not None:
            try:
                return self._ask(self._line, packed, until)
            except TimeoutError:
                raise
            except OSError:
                self.close()
        return self._ask(self._connect(until), packed, until)

    def _ask(self, line: Line, packed: bytes, until: float | None) -> Any:
        line.send(packed)
        answer = self._answer(line, until)
        if isinstance(answer, hiredis.ReplyError) and str(answer).startswith("NOSCRIPT"):
            self._load(line, until)
            line.send(packed)
            answer = self._answer(line, until)
        return answer

    def _answer(self, line: Line, until: float | None) -> Any:
        """The next message that isn't a wake-up; those are kept."""
        while True:
            answer = self._receive(line, until)
            if answer is not _NOTHING_YET:
                return answer

    def _receive(self, line: Line, until: float | None) -> Any:
        """One message: an answer, or `_NOTHING_YET` when it was a push."""
        reader = self._reader
        message = reader.gets()
        while message is False:
            reader.feed(line.receive(until=until))
            message = reader.gets()
        if isinstance(message, hiredis.PushNotification):
            self._keep(message)
            return _NOTHING_YET
        return message

    def _keep(self, push: list[Any]) -> None:
        """A wake-up, `<fence> <owner>`, or an answer, `=<length of owner> <owner><answer>`."""
        if push[0] != b"message":
            return
        head, _, rest = push[2].partition(b" ")
        if head[:1] == b"=":
            length = int(head[1:])
            self._news.append((rest[length:], rest[:length]))
        else:
            self._news.append((int(head), rest))

    def _connect(self, until: float | None) -> Line:
        left_s = self.timeout_s if until is None else max(until - monotonic(), 0.001)
        connection = new_connection(self.pool, timeout_s=left_s)
        self._connection = connection
        connection.connect()  # type: ignore[no-untyped-call]
        self._reader = hiredis.Reader()
        line = self._line = Line(connection._sock, timeout_s=self.timeout_s)  # type: ignore[arg-type]
        line.send(scripts.pack(b"SUBSCRIBE", self.channel))
        self._load(line, until)
        return line

    def _load(self, line: Line, until: float | None) -> None:
        calls = [script.load() for script in scripts.ALL]
        line.send(b"".join(calls))
        for _ in calls:
            answer = self._answer(line, until)
            if isinstance(answer, hiredis.ReplyError):
                self._refused(answer)

    def _refused(self, answer: hiredis.ReplyError) -> None:
        """Raise what Redis' refusal means: a misused key, or (all else) that nobody can know."""
        text = str(answer)
        if "WRONGTYPE" in text:
            raise LockError(f"One of the keys is something else than a lock: {text}")
        if "CROSSSLOT" in text:
            raise LockError(f"The keys lie in different slots of the Redis Cluster: {text}")
        # READONLY, LOADING, MOVED, …: a new connection may find the right server.
        self.close()
        raise LockUnavailable(f"Redis refused: {text}")


def new_connection(pool: ConnectionPool, *, timeout_s: float) -> AbstractConnection:
    """A connection like those of `pool`, in RESP3, that is tried once and within `timeout_s`."""
    options = {
        name: value
        for name, value in pool.connection_kwargs.items()
        # RESP3 notices about a server's maintenance would come in between our answers.
        if "maint_notifications" not in name
    }
    options |= {
        "protocol": 3,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "health_check_interval": 0,
        "decode_responses": False,
    }
    connection: AbstractConnection = pool.connection_class(**options)
    return connection
