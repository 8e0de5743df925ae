"""Free TCP ports on loopback.

They are taken from below the kernel's ephemeral range (32768 and up on Linux), so that no outgoing
connection can sit on a server's port while that server is down.
"""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Collection

LOOPBACK = "127.0.0.1"
RANGE = range(20_000, 32_000)
TRIES = 500


class NoFreePort(Exception):
    """No port could be found. Something holds thousands of ports: look with `ss -ltn`."""


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        # A port whose last connections are in TIME_WAIT is free, as every server sees it.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def answers(port: int, *, timeout_s: float = 1.0) -> bool:
    """Whether something accepts connections on the port."""
    try:
        socket.create_connection((LOOPBACK, port), timeout_s).close()
    except OSError:
        return False
    return True


def free_port(*, prefer: int | None = None, avoid: Collection[int] = ()) -> int:
    """The preferred port if it is free, else a random free one; none of `avoid`."""
    if prefer is not None and prefer not in avoid and is_free(prefer):
        return prefer
    for _ in range(TRIES):
        port = random.choice(RANGE)  # noqa: S311  (nothing secret about a port)
        if port not in avoid and is_free(port):
            return port
    raise NoFreePort(f"No free port between {RANGE.start} and {RANGE.stop - 1}.")
