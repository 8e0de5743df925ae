"""The private servers: closed to strangers, recoverable, and theirs alone to stop."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import amqp
import psycopg
import pytest
from amqp.exceptions import AccessRefused
from psycopg import OperationalError
from redis import Redis as Client
from redis.exceptions import AuthenticationError

from stack.accounts import Account, reachable_home, server_account
from stack.errors import StackError
from stack.processes import Tracked
from stack.services import Services

NAMES = ("postgres", "redis", "rabbitmq")

LOOPBACK = {"0100007F", "00000000000000000000000001000000"}
"""127.0.0.1 and ::1, as the kernel writes them."""


@pytest.mark.parametrize("name", NAMES)
def test_given_a_server_when_stopped_and_started_then_it_answers_on_the_same_url(
    services: Services, name: str
) -> None:
    server = getattr(services, name)
    url = server.url

    server.stop()

    assert not server.running
    assert not server.ready()
    server.start()
    assert server.ready()
    assert server.url == url


@pytest.mark.parametrize("name", NAMES)
def test_given_a_killed_server_when_started_then_it_recovers(services: Services, name: str) -> None:
    server = getattr(services, name)

    server.kill()

    assert not server.running
    server.start()
    assert server.ready()


@pytest.mark.parametrize("name", NAMES)
def test_given_a_running_server_when_started_again_then_it_is_the_same_process(
    services: Services, name: str
) -> None:
    server = getattr(services, name)
    before = server.process

    server.start()

    assert server.process == before


def test_given_a_killed_postgres_then_what_was_committed_is_there(services: Services) -> None:
    with psycopg.connect(services.postgres.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        connection.execute("INSERT INTO kept VALUES (7)")

    services.postgres.kill()
    services.postgres.start()

    with psycopg.connect(services.postgres.url, autocommit=True) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]
        connection.execute("DROP TABLE kept")


def test_given_no_or_a_wrong_password_then_nobody_comes_in(services: Services) -> None:
    with pytest.raises(OperationalError):
        psycopg.connect(services.postgres.url.replace(services.postgres.password, "wrong"))
    with (
        Client(host=services.redis.host, port=services.redis.port) as client,
        pytest.raises(AuthenticationError),
    ):
        client.ping()
    for user, password in (("guest", "guest"), ("shop", "wrong")):
        address = f"{services.rabbitmq.host}:{services.rabbitmq.port}"
        with pytest.raises(AccessRefused):
            amqp.Connection(address, userid=user, password=password).connect()


def test_given_running_servers_then_they_listen_on_loopback_only(services: Services) -> None:
    """Even the ports of Erlang: its port mapper and its distribution."""
    ours = {server.port for server in services}
    ours |= {services.rabbitmq.epmd_port, services.rabbitmq.distribution_port}
    found = {port: address for address, port in listening() if port in ours}

    assert set(found) == ours
    assert set(found.values()) <= LOOPBACK


def test_given_running_servers_then_their_passwords_are_on_no_command_line(
    services: Services,
) -> None:
    passwords = [server.password.encode() for server in services]
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            try:
                command = (directory / "cmdline").read_bytes()
            except OSError:
                continue
            assert not any(password in command for password in passwords)


def test_given_running_servers_then_their_folders_are_closed(services: Services) -> None:
    for server in services:
        assert stat.S_IMODE(server.directory.stat().st_mode) == 0o700


def test_given_queues_when_wiped_then_none_is_left(services: Services) -> None:
    connection = services.rabbitmq.connect()
    arguments = {"x-queue-type": "quorum"}
    connection.channel().queue_declare(
        "to-be-wiped", durable=True, auto_delete=False, arguments=arguments
    )
    connection.close()

    assert "to-be-wiped" in services.rabbitmq.wipe()
    assert services.rabbitmq.queues() == []


def test_given_a_server_that_ends_at_its_start_then_the_error_shows_its_log(
    services: Services,
) -> None:
    services.redis.stop()
    port = services.redis.port
    services.redis.port = 0  # "don't listen anywhere", and then Redis has nothing to do
    try:
        with pytest.raises(StackError, match="Redis ended at its start") as told:
            services.redis.start()
    finally:
        services.redis.port = port

    assert "Configured to not listen anywhere" in str(told.value)


def test_given_a_pid_of_a_stranger_then_it_is_not_signalled() -> None:
    """A pid file of before a reboot may name a process of somebody else."""
    me = Tracked.of(os.getpid())
    assert me is not None
    old = Tracked(me.pid, me.started - 1)

    assert me.alive()
    assert not old.alive()
    old.send(signal.SIGKILL)
    assert old.stop(timeout_s=1)


def test_given_root_then_servers_run_as_somebody_else() -> None:
    account = server_account()

    assert account.uid != 0
    assert account.switch == (os.geteuid() == 0)


def test_given_a_closed_parent_then_the_servers_live_where_their_account_can_go(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    somebody = Account(uid=65534, gid=65534, switch=True)
    myself = Account(uid=os.geteuid(), gid=os.getegid(), switch=False)

    elsewhere = reachable_home(closed / "servers", somebody)

    assert not elsewhere.is_relative_to(tmp_path)
    assert elsewhere == reachable_home(closed / "servers", somebody), "always the same place"
    assert reachable_home(closed / "servers", myself) == closed / "servers"


def listening() -> list[tuple[str, int]]:
    """Addresses (as the kernel writes them) and ports that something listens on."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in Path(table).read_text().splitlines()[1:]:
            fields = row.split()
            address, _, port = fields[1].rpartition(":")
            if fields[3] == "0A":  # LISTEN
                found.append((address, int(port, 16)))
    return found
