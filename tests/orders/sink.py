"""An SMTP server that keeps what it is sent, and can be told to behave badly."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from email import message_from_bytes
from email.message import Message
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class SmtpSink:
    """`replies` is what the next messages and recipients are answered, before the friendly 250.

    A reply of None to a message cuts the connection after the message was kept: it was delivered,
    and the sender never learns.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.recipients: list[list[str]] = []
        self.replies: deque[str | None] = deque()
        self.recipient_replies: deque[str] = deque()
        self._controller = Controller(self, hostname="127.0.0.1", port=_free_port())

    @property
    def address(self) -> tuple[str, int]:
        return self._controller.hostname, self._controller.port

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        reply = self.recipient_replies.popleft() if self.recipient_replies else "250 OK"
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reply = self.replies.popleft() if self.replies else "250 OK"
        if reply is None or reply.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.messages.append(message_from_bytes(envelope.content))
            self.recipients.append(list(envelope.rcpt_tos))
        if reply is None:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return reply or "250 OK"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._controller.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
