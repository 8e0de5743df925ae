"""A supplier's web server whose answers a test chooses."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    content_type: str = "text/csv"
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    """What the Content-Length says, if not the truth; -1 for none at all."""
    trickles: bool = False
    """Never comes to an end: a byte now and then, as soon as the first header."""


@dataclass(frozen=True)
class Asked:
    """What a client sent; header names in lower case."""

    path: str
    headers: dict[str, str]


class SupplierSite:
    """Serves `answers[path]`, else `answer`, until the `with` block ends."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}/stock"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def handler_of(site: SupplierSite) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            site.asked.append(Asked(self.path, headers))
            answer = site.answers.get(self.path, site.answer)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            if answer.length != -1:
                self.send_header("Content-Length", str(answer.length or len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.trickles:
                self.trickle()
            else:
                self.end_headers()
                self.wfile.write(answer.body)

        def trickle(self) -> None:
            with suppress(OSError):  # the client had enough
                self.flush_headers()
                while not site.ended.wait(0.02):
                    self.wfile.write(b"X")

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
