"""Tells the dispatcher that there is something to do, so that it need not wait for its next look.

One Redis PUBLISH after the commit, fire and forget: a wake-up that is lost costs at most
`JOBS_POLL_S`. It goes through Redis and not through LISTEN/NOTIFY, which is bound to a session
and so can't pass PgBouncer in transaction mode.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import cache

import redis
from django.db import connection, transaction
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

from tasks.conf import conf

logger = logging.getLogger(__name__)

# A web request waits for this at most, and only once in QUIET_S.
PUBLISH_TIMEOUT_S = 0.2
QUIET_S = 5.0


def wake_on_commit() -> None:
    """Wake a dispatcher when the current transaction commits (now, if there is none)."""
    if any(callback is _publish for _, callback, *_ in connection.run_on_commit):
        return  # once a transaction is enough
    transaction.on_commit(_publish)


class Bell:
    """This process's way to ring. A Redis that doesn't answer is left alone for a while."""

    def __init__(self, url: str) -> None:
        self._quiet_until = 0.0
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=PUBLISH_TIMEOUT_S,
            socket_connect_timeout=PUBLISH_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # redis-py's default would try for seconds
        )

    def ring(self) -> None:
        if time.monotonic() < self._quiet_until:
            return
        try:
            self._redis.publish(conf().wake_channel, b"")
        except redis.RedisError as error:
            self._quiet_until = time.monotonic() + QUIET_S
            logger.warning("No wake-ups for %g s, Redis says: %s", QUIET_S, error)


_bell = cache(Bell)


def _publish() -> None:
    if url := conf().redis_url:
        _bell(url).ring()


class Listener:
    """The dispatcher's ear. Without Redis it is a plain timer."""

    def __init__(self) -> None:
        self._pubsub: PubSub | None = None
        self._deaf_until = 0.0
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End a wait that is going on, and every later one, at once. Safe in a signal handler."""
        self._stopped.set()

    def pause(self, seconds: float) -> None:
        """Wait whatever happens, except for `stop`."""
        self._stopped.wait(seconds)

    def wait(self, timeout_s: float) -> None:
        """Return on a wake-up, after `timeout_s` seconds at the latest."""
        pubsub = self._subscription()
        if pubsub is None:
            self.pause(timeout_s)
            return
        deadline = time.monotonic() + timeout_s
        try:
            while not self._stopped.is_set() and (left := deadline - time.monotonic()) > 0:
                # Short looks, since a signal handler can't interrupt the socket's wait.
                message = pubsub.get_message(ignore_subscribe_messages=True, timeout=min(left, 0.5))
                if message is not None:
                    self._drain(pubsub)
                    return
        except redis.RedisError as error:
            self._go_deaf(error)

    def _drain(self, pubsub: PubSub) -> None:
        """One look serves all wake-ups that have come so far."""
        while pubsub.get_message(ignore_subscribe_messages=True, timeout=0) is not None:
            pass

    def _subscription(self) -> PubSub | None:
        url = conf().redis_url
        if self._pubsub is None and url and time.monotonic() >= self._deaf_until:
            client = redis.Redis.from_url(
                url,
                socket_connect_timeout=1,
                health_check_interval=10,
                retry=Retry(NoBackoff(), 0),
            )
            pubsub: PubSub = client.pubsub()  # type: ignore[no-untyped-call]
            try:
                pubsub.subscribe(conf().wake_channel)
            except redis.RedisError as error:
                self._go_deaf(error)
            else:
                self._pubsub = pubsub
        return self._pubsub

    def _go_deaf(self, error: Exception) -> None:
        logger.warning("Polling every %g s, Redis says: %s", conf().poll_s, error)
        self._deaf_until = time.monotonic() + QUIET_S
        if self._pubsub is not None:
            self._pubsub.close()
            self._pubsub = None
