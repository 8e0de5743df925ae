"""Everything of one checkout: its folders, servers, programs and settings."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import cached_property

from stack import environment
from stack.errors import StackError
from stack.layout import Layout
from stack.notebook import Notebook
from stack.ports import LOOPBACK
from stack.programs import SOFT_SHUTDOWN_S, Ports, Program, programs
from stack.server import Server
from stack.services import Services, private_services
from stack.supervisor import Supervisor, orphans

ADMIN = "admin"
PREFERRED_WEB_PORT = 8000


@dataclass
class Machine:
    layout: Layout
    only_looks: bool = False
    """Whether it won't start anything, so that no port needs to be free."""

    @cached_property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.layout)

    @cached_property
    def notebook(self) -> Notebook:
        self.layout.make()
        return Notebook(self.layout.notebook)

    @cached_property
    def user(self) -> dict[str, str]:
        """What the user set, in the environment or in `.env`."""
        return environment.from_user(self.layout.dotenv)

    @cached_property
    def services(self) -> Services:
        return private_services(self.layout.servers, self.notebook, only_looks=self.only_looks)

    @cached_property
    def own_servers(self) -> list[Server]:
        """The servers that no variable of the user's replaces."""
        named = zip(environment.SERVICE_VARIABLES, self.services, strict=True)
        return [server for name, server in named if not self.user.get(name)]

    @cached_property
    def ports(self) -> Ports:
        ours = self.supervisor.process is not None or bool(orphans(self.layout.var))
        ours = ours or self.only_looks

        def port(name: str, prefer: int | None = None) -> int:
            return self.notebook.port(name, prefer=prefer, ours=ours)

        return Ports(
            web=port("web", PREFERRED_WEB_PORT),
            flower=port("flower"),
            payments=port("payments"),
            mail=port("mail"),
            supplier=port("supplier"),
        )

    @cached_property
    def programs(self) -> list[Program]:
        patience = self.user.get("WORKER_SOFT_SHUTDOWN_TIMEOUT_S") or SOFT_SHUTDOWN_S
        return programs(self.layout, self.ports, soft_shutdown_s=float(patience))

    @cached_property
    def generated(self) -> dict[str, str]:
        """What has no default that would do here, for those that the user didn't set."""
        secret, ports = self.notebook.secret, self.ports
        return {
            **self.services.environment,
            "DJANGO_SECRET_KEY": secret("django"),
            "EMAIL_URL": f"smtp://{LOOPBACK}:{ports.mail}",
            "FLOWER_BASIC_AUTH": f"{ADMIN}:{secret('flower')}",
            "FLOWER_URL": f"http://localhost:{ports.flower}",
            "MAIL_DIR": str(self.layout.mail),
            "SANDBOX_PAYMENTS_KEY": secret("payments"),
            "SANDBOX_PAYMENTS_URL": f"http://{LOOPBACK}:{ports.payments}",
            "SANDBOX_WEBHOOK_SECRET": secret("webhooks"),
            "SANDBOX_WEBHOOK_URL": f"http://{LOOPBACK}:{ports.web}/webhooks/payments/sandbox",
            "SITE_URL": f"http://localhost:{ports.web}",
            "SUPPLIER_FEED_URL": f"http://{LOOPBACK}:{ports.supplier}/feed.csv",
        }

    @cached_property
    def variables(self) -> dict[str, str]:
        """The environment of the shop's processes."""
        known = environment.documented(self.layout.dotenv_example)
        return environment.effective(self.user, self.generated, known=known)

    @property
    def process_environment(self) -> dict[str, str]:
        return {**self.user, **self.variables, "DJANGO_SETTINGS_MODULE": "shop.settings"}

    def manage(self, *arguments: str) -> None:
        """Run a management command silently. Raises `StackError` with its last line if it fails."""
        done = self.run_manage(*arguments)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            (self.layout.logs / "manage.log").write_text(said + "\n")
            last = said.splitlines()[-1] if said else "no reason given"
            raise StackError(f"manage.py {arguments[0]} failed: {last} (var/log/manage.log)")

    def run_manage(
        self, *arguments: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.layout.root,
            env={**self.process_environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No two of our commands change the machine at once. Raises `StackError`."""
        self.layout.make()
        with (self.layout.var / "lock").open("w") as file:
            try:
                flock(file, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                raise StackError("Another ./run up or down is at work; wait for it.") from None
            yield
