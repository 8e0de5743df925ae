"""The HTTP server of the provider: one process, a thread for each connection.

Built on the server of Django's `runserver`, which is meant for development, and so is a sandbox.
A thread for each connection fits it: the card that never answers keeps a connection busy for long,
and costs only a thread that waits. Each thread closes its database connection when it ends.
"""

from __future__ import annotations

import logging
import select
import socket
from contextlib import suppress
from typing import Any

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

from orders.sandbox.application import WAIT, application
from orders.sandbox.errors import Invalid

logger = logging.getLogger(__name__)

# The largest sensible request has less than a kilobyte.
MAX_BODY_BYTES = 16 * 1024


class ProviderRequestHandler(WSGIRequestHandler):
    """One connection and the requests that come over it."""

    timeout = 15  # s; an idle connection is closed, and clients let go of theirs sooner
    # Head and body of an answer are two writes; the second would wait 40 ms for the first's ACK.
    disable_nagle_algorithm = True

    # Answers to what is no proper HTTP; all others are the application's.
    error_content_type = "application/json"
    error_message_format = Invalid("This is no proper request: %(code)d %(message)s.").body

    def handle(self) -> None:
        with suppress(TimeoutError, ConnectionError):
            super().handle()

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit() and int(length) <= MAX_BODY_BYTES):
            self.close_connection = True
            self.send_error(413, f"the body must have a length of at most {MAX_BODY_BYTES} bytes")
            return False
        return True

    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), WAIT: self._wait}

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base names it so)
        logger.debug(format, *args)

    def _wait(self, seconds: float) -> None:
        """At most so long, until the client hangs up or says more, or the server stops."""
        poll = select.poll()
        poll.register(self.rfile.fileno(), select.POLLIN)
        poll.poll(seconds * 1000)


class ProviderServer(ThreadedWSGIServer):
    """`serve_forever` serves; `stop`, from another thread, ends it."""

    daemon_threads = False
    block_on_close = True  # `server_close` waits for the answers under way
    request_queue_size = 128  # connections that may wait for their thread to start

    def __init__(self, host: str, port: int) -> None:
        self._open: set[socket.socket] = set()
        super().__init__((host, port), ProviderRequestHandler, ipv6=":" in host)
        self.set_app(application)

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def stop(self) -> None:
        """Take no more requests; those that have come in are answered."""
        self.shutdown()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)  # idle ones end, held-back answers go out

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        self._open.discard(request)
        super().close_request(request)
