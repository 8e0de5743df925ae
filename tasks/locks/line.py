"""A socket that keeps its time limits, as cheaply as the platform can.

A Python socket with a timeout makes two system calls each time: poll, then send or receive. Where
the kernel keeps the usual limit itself (SO_RCVTIMEO on Linux, without TLS) one is enough; that is a
tenth of what an uncontended lock costs. Other limits go through poll.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import sys
from time import monotonic
from typing import Final

AT_ONCE = 65536
"""Bytes read at once: more than any answer to a lock."""


class Line:
    """A connected socket. Everything raises `TimeoutError` at its limit, `OSError` when cut."""

    def __init__(self, connected: socket.socket, *, timeout_s: float) -> None:
        self._socket: Final = connected
        self._timeout_s: Final = timeout_s
        self._kernel_keeps_time: Final = sys.platform == "linux" and not isinstance(
            connected, ssl.SSLSocket
        )
        if self._kernel_keeps_time:
            limit = struct.pack("ll", int(timeout_s), int(timeout_s % 1 * 1e6))
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
            connected.settimeout(None)
            self._poll = select.poll()
            self._poll.register(connected, select.POLLIN)
        else:
            connected.settimeout(timeout_s)

    def send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except BlockingIOError:
            raise TimeoutError("Redis takes nothing more") from None

    def receive(self, *, until: float | None = None) -> bytes:
        """Some bytes. Waits until that time of `monotonic()`, or as long as usual."""
        if until is not None:
            self._wait(max(until - monotonic(), 0))
        try:
            data = self._socket.recv(AT_ONCE)
        except BlockingIOError:
            raise TimeoutError("no answer in time") from None
        finally:
            if until is not None and not self._kernel_keeps_time:
                self._socket.settimeout(self._timeout_s)
        if not data:
            raise ConnectionResetError("Redis closed the connection")
        return data

    def _wait(self, timeout_s: float) -> None:
        if not self._kernel_keeps_time:
            self._socket.settimeout(timeout_s or 0.001)
        elif not self._poll.poll(timeout_s * 1000):
            raise TimeoutError("no answer in time")
