"""A private PostgreSQL: its own data folder, port and password; no socket file, loopback only."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from stack.accounts import Account
from stack.errors import NotInstalled, StackError
from stack.server import Server

DATABASE = "shop"
ROLE = "shop"
MAX_CONNECTIONS = 300
"""Webs, dispatchers, beats and every worker child keep one each; a benchmark has a crowd of 200."""

DISCREET = ("log_min_error_statement=panic", "log_error_verbosity=terse")
"""Else its log quotes each statement that fails, with a customer's address in it, and the row."""

NOT_DURABLE = ("fsync=off", "full_page_writes=off")


class Postgres(Server):
    name = "PostgreSQL"
    start_timeout_s = 60.0  # a server that was killed may have a long log to replay
    stop_timeout_s = 30.0
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint
    kill_signal = signal.SIGQUIT  # "immediate": no checkpoint; the next start recovers

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        password: str,
        account: Account,
        durable: bool = True,
    ) -> None:
        """With `durable=False` a power cut may destroy the data: for tests only."""
        super().__init__(directory, port=port, password=password, account=account)
        self.durable = durable

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        return f"postgres://{ROLE}:{self.password}@{self.host}:{self.port}/{database}"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def prepare(self) -> None:
        if not self.data.exists():
            self._initialise()

    def command(self) -> list[str | Path]:
        options = [
            f"port={self.port}",
            f"listen_addresses={self.host}",
            "unix_socket_directories=",  # a deep folder's path would be too long for one
            f"max_connections={MAX_CONNECTIONS}",
            *DISCREET,
            *(() if self.durable else NOT_DURABLE),
        ]
        settings = [part for option in options for part in ("-c", option)]
        return [binaries() / "postgres", "-D", self.data, *settings]

    def ready(self) -> bool:
        try:
            with psycopg.connect(self.url_of("postgres"), connect_timeout=3):
                return True
        except psycopg.OperationalError:
            return False

    def wait_until_ready(self) -> None:
        super().wait_until_ready()
        self._create_database()

    def _create_database(self) -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if not connection.execute(query, [DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _initialise(self) -> None:
        """Into a folder beside it, renamed at the end: a broken-off start leaves nothing half."""
        fresh = self.directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password_file = self.directory / "password"
        self.account.write(password_file, self.password + "\n")
        try:
            self._run_initdb(fresh, password_file)
        finally:
            password_file.unlink()
        fresh.rename(self.data)

    def _run_initdb(self, target: Path, password_file: Path) -> None:
        command = [
            *(binaries() / "initdb", "--pgdata", target, "--username", ROLE),
            *("--pwfile", password_file, "--auth", "scram-sha-256"),
            *("--encoding", "UTF8", "--locale", "C.UTF-8"),
            *(() if self.durable else ("--no-sync",)),
        ]
        with self.log.open("ab") as log:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(),
                cwd=self.directory,
                check=False,
                **self.account.popen_options,
            )
        if done.returncode:
            raise StackError("PostgreSQL could not make its data folder.", log=self.log)


def binaries() -> Path:
    """The folder of the newest installed version's programs. Raises `NotInstalled`."""
    found = [
        path.parent
        for pattern in ("lib/postgresql/*/bin/postgres", "pgsql-*/bin/postgres")
        for path in Path("/usr").glob(pattern)
    ]
    if found:
        return max(found, key=_version)
    on_path = shutil.which("postgres", path=os.environ.get("PATH"))
    if on_path:
        return Path(on_path).resolve().parent
    raise NotInstalled("PostgreSQL is not installed: apt-get install postgresql")


def _version(directory: Path) -> int:
    digits = directory.parent.name.removeprefix("pgsql-")
    return int(digits) if digits.isdigit() else 0
