"""A limit for a whole conversation by HTTP.

httpx limits each single read. A server that sends a byte every few seconds, even in its headers,
would hold a worker for as long as it likes. When the time is up, the sockets are shut down under
whoever reads them.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from threading import Timer
from typing import Any, Self

CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")


class Watch:
    """`with Watch(30) as watch:` and `extensions={"trace": watch.trace}` in each request.
    https://www.encode.io/httpcore/extensions/#trace"""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_over = False
        self._sockets: list[socket.socket] = []
        self._timer = Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def trace(self, name: str, info: Mapping[str, Any]) -> None:
        if name in CONNECTED:
            self._sockets.append(info["return_value"].get_extra_info("socket"))
            if self.is_over:
                self._cut()

    def _cut(self) -> None:
        self.is_over = True
        for each in self._sockets:
            with suppress(OSError):  # closed already
                # Not an SSL socket's own shutdown, which changes it under its reader.
                socket.socket.shutdown(each, socket.SHUT_RDWR)
