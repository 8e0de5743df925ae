"""Nothing that the stack starts can be reached from another machine."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from stack.processes import Tracked
from stack.services import Services

LISTENING = "0A"


def test_given_the_servers_then_they_listen_on_loopback_only(services: Services) -> None:
    mine = {server.name: listeners(server.process) for server in services}
    mine["epmd"] = listeners(Tracked.read(services.rabbitmq.directory / "epmd.pid"))

    for name, found in mine.items():
        assert found, f"{name} listens nowhere"
        for address, port in found:
            assert address.is_loopback, f"{name} listens on {address}:{port}"
    assert {port for _, port in mine["RabbitMQ"]} == {
        services.rabbitmq.port,
        services.rabbitmq.distribution_port,
    }


def listeners(
    process: Tracked | None,
) -> set[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]]:
    """Where the process and the others of its session listen."""
    assert process, "it does not run"
    inodes = set(_sockets_of_session(process.pid))
    return {
        (address, port)
        for table in ("tcp", "tcp6")
        for address, port, inode in _listening(table)
        if inode in inodes
    }


def _sockets_of_session(session: int) -> Iterator[str]:
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getsid(int(directory.name)) != session:
                continue
            for descriptor in (directory / "fd").iterdir():
                with suppress(OSError):
                    kind, _, inode = str(descriptor.readlink()).rstrip("]").partition(":[")
                    if kind == "socket":
                        yield inode


def _listening(
    table: str,
) -> Iterator[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int, str]]:
    """The kernel's list: https://docs.kernel.org/networking/proc_net_tcp.html"""
    for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] != LISTENING:
            continue
        words, _, port = fields[1].partition(":")
        raw = b"".join(
            struct.pack("=I", int(words[place : place + 8], 16))
            for place in range(0, len(words), 8)
        )
        family = socket.AF_INET if table == "tcp" else socket.AF_INET6
        yield ipaddress.ip_address(socket.inet_ntop(family, raw)), int(port, 16), fields[9]
