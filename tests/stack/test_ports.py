"""Free ports: really free, out of the way of outgoing connections, and remembered."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.notebook import Notebook
from stack.ports import LOOPBACK, RANGE, answers, free_port, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that a stranger listens on."""
    with socket.create_server((LOOPBACK, free_port())) as server:
        yield server.getsockname()[1]


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path / "notebook.json")


def test_given_a_taken_port_then_it_is_neither_free_nor_given_out(taken: int) -> None:
    assert not is_free(taken)
    assert answers(taken)
    assert free_port(prefer=taken) != taken


def test_given_a_free_port_that_is_preferred_then_it_is_taken() -> None:
    port = free_port()

    assert free_port(prefer=port) == port
    assert free_port(prefer=port, avoid=[port]) != port
    assert not answers(port)


def test_given_many_ports_then_none_is_ephemeral() -> None:
    assert {free_port() for _ in range(50)} <= set(RANGE)


def test_given_a_chosen_port_then_the_next_command_gets_the_same(tmp_path: Path) -> None:
    path = tmp_path / "notebook.json"
    port, secret = Notebook(path).port("web"), Notebook(path).secret("django")

    assert Notebook(path).port("web") == port
    assert Notebook(path).secret("django") == secret


def test_given_several_names_then_no_two_share_a_port(notebook: Notebook) -> None:
    ports = [notebook.port(f"program-{number}") for number in range(30)]

    assert len(set(ports)) == 30


def test_given_a_stranger_on_our_port_then_another_is_chosen(notebook: Notebook) -> None:
    port = notebook.port("web")
    with socket.create_server((LOOPBACK, port)):
        assert notebook.port("web", ours=True) == port, "what listens is our own"
        assert notebook.port("web") != port


def test_given_secrets_then_they_differ_and_nobody_else_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "notebook.json"
    notebook = Notebook(path)

    secrets = {notebook.secret(name) for name in ("postgres", "redis", "rabbitmq")}

    assert len(secrets) == 3
    assert all(secret.isalnum() and len(secret) >= 40 for secret in secrets)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
