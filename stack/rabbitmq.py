"""A private RabbitMQ: its own node, cookie, HOME, ports, user and password; loopback only.

It shares nothing with a RabbitMQ of the system: not its configuration, not its Erlang port mapper
(epmd), not its distribution port. The node's name ends in @localhost, so that no name service can
spoil its start. https://www.rabbitmq.com/docs/configure#supported-environment-variables
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import amqp
from amqp.exceptions import AMQPError

from stack.accounts import Account
from stack.errors import NotInstalled, StackError
from stack.ports import answers
from stack.processes import Tracked, spawn
from stack.server import Server
from stack.waiting import wait_until

USER = "shop"
SCRIPTS = Path("/usr/lib/rabbitmq/bin")
CTL_TIMEOUT_S = 60.0

# Erlang's own ports would listen to the whole network otherwise.
# https://www.rabbitmq.com/docs/networking#distribution-settings
LOOPBACK_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}"

# The write-ahead log of quorum queues may take 512 MB by default, much for one machine.
# https://www.rabbitmq.com/docs/quorum-queues#resource-use
CONFIG = """\
listeners.tcp.1 = {host}:{port}
default_user = {user}
default_pass = {password}
raft.wal_max_size_bytes = 67108864
"""


class RabbitMQ(Server):
    name = "RabbitMQ"
    start_timeout_s = 90.0  # 9–15 s on an idle machine
    stop_timeout_s = 40.0

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        distribution_port: int,
        epmd_port: int,
        password: str,
        account: Account,
    ) -> None:
        super().__init__(directory, port=port, password=password, account=account)
        self.distribution_port = distribution_port
        self.epmd_port = epmd_port

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{self.password}@{self.host}:{self.port}//"

    def prepare(self) -> None:
        text = CONFIG.format(host=self.host, port=self.port, user=USER, password=self.password)
        self.account.write(self.directory / "rabbitmq.conf", text)
        self.account.write(self.directory / "enabled_plugins", "[].\n")
        self._beam_file.unlink(missing_ok=True)
        self._start_epmd()

    def environment(self) -> Mapping[str, str]:
        home = self.directory
        return {
            **super().environment(),  # its HOME keeps the Erlang cookie
            "RABBITMQ_NODENAME": "shop@localhost",
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
            "RABBITMQ_CONFIG_FILES": str(home / "conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_PID_FILE": str(self._beam_file),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": LOOPBACK_ONLY,
            "RABBITMQ_CTL_ERL_ARGS": LOOPBACK_ONLY,
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": self.host,
            "ERL_CRASH_DUMP_BYTES": "0",
        }

    def command(self) -> list[str | Path]:
        """The wrapper in /usr/sbin refuses ordinary users; this is what it calls."""
        return [script("rabbitmq-server")]

    def connect(self) -> amqp.Connection:
        """A new connection; close it. Raises `OSError` or `AMQPError`."""
        connection = amqp.Connection(
            f"{self.host}:{self.port}",
            userid=USER,
            password=self.password,
            virtual_host="/",
            connect_timeout=3,
            read_timeout=10,
            write_timeout=10,
        )
        connection.connect()
        return connection

    def ready(self) -> bool:
        try:
            self.connect().close()
        except (OSError, AMQPError):
            return False
        return True

    def stop(self) -> None:
        """The Erlang machine itself is asked: its start script would ask by a slow detour."""
        process, beam = self.process, self._beam
        if beam:
            beam.stop(self.stop_signal, timeout_s=self.stop_timeout_s)
        if process:
            process.stop(self.stop_signal, timeout_s=self.stop_timeout_s)
        self.pid_file.unlink(missing_ok=True)
        self._stop_epmd()

    def kill(self) -> None:
        """Everything of the node at once, by its process group."""
        if process := self.process:
            process.kill_group()
            process.wait(self.stop_timeout_s)
        self.pid_file.unlink(missing_ok=True)
        self._stop_epmd()

    def ctl(self, *arguments: str) -> str:
        """What `rabbitmqctl` prints. Takes seconds. Raises `StackError` when it fails."""
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [script("rabbitmqctl"), "--quiet", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=dict(self.environment()),
            cwd=self.directory,
            timeout=CTL_TIMEOUT_S,
            check=False,
            **self.account.popen_options,
        )
        if done.returncode:
            raise StackError(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def queues(self) -> list[str]:
        return self.ctl("list_queues", "name", "--no-table-headers").split()

    def wipe(self) -> list[str]:
        """Delete every queue with all that is in it; returns their names.

        A queue that belongs to one connection alone, such as a worker's control queue, can't be
        deleted by another and stays.
        """
        deleted = []
        connection = self.connect()
        try:
            for name in self.queues():
                with suppress(amqp.exceptions.ResourceLocked):
                    connection.channel().queue_delete(name)
                    deleted.append(name)
        finally:
            connection.close()
        return deleted

    @property
    def log_of_node(self) -> Path:
        return self.directory / "log" / "shop@localhost.log"

    @property
    def _beam_file(self) -> Path:
        return self.directory / "beam.pid"

    @property
    def _beam(self) -> Tracked | None:
        """The Erlang machine, once it has written its pid."""
        with suppress(OSError, ValueError):
            return Tracked.of(int(self._beam_file.read_text())) if self.running else None
        return None

    @property
    def _epmd_file(self) -> Path:
        return self.directory / "epmd.pid"

    def _start_epmd(self) -> None:
        """Our own, in the foreground: one started by the node would outlive it, unknown to us."""
        found = Tracked.read(self._epmd_file)
        if found and found.alive():
            return
        process = spawn(
            [epmd(), "-port", str(self.epmd_port), "-address", self.host],
            log=self.directory / "epmd.log",
            env=self.environment(),
            account=self.account,
            cwd=self.directory,
        )
        process.write(self._epmd_file)
        wait_until(lambda: answers(self.epmd_port), timeout_s=10, what="epmd")

    def _stop_epmd(self) -> None:
        if found := Tracked.read(self._epmd_file):
            found.stop(timeout_s=5)
        self._epmd_file.unlink(missing_ok=True)


def script(name: str) -> Path:
    """One of RabbitMQ's programs. Raises `NotInstalled`."""
    candidates = [SCRIPTS / name, *Path("/usr/lib/rabbitmq/lib").glob(f"*/sbin/{name}")]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise NotInstalled("RabbitMQ is not installed: apt-get install rabbitmq-server")


def epmd() -> Path:
    """Erlang's port mapper. Raises `NotInstalled`."""
    on_path = shutil.which("epmd")
    found = [Path(on_path)] if on_path else sorted(Path("/usr/lib/erlang").glob("erts-*/bin/epmd"))
    if not found:
        raise NotInstalled("Erlang's epmd is missing: apt-get install erlang-base")
    return found[-1]
