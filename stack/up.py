"""`./run up`: from nothing to a shop that takes orders. Doing it again starts what is missing."""

from __future__ import annotations

import csv
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from stack import environment, readiness
from stack.errors import StackError
from stack.layout import Layout
from stack.machine import ADMIN, Machine
from stack.services import together
from stack.supervisor import orphans
from stack.terminal import line, say
from stack.waiting import wait_until

SHOP_S = 30.0


def up(layout: Layout, *, orders: bool = True) -> None:
    """Raises `StackError`."""
    machine = Machine(layout)
    with machine.alone():
        started = time.monotonic()
        new_password = _start(machine)
    say(f"The shop is up after {time.monotonic() - started:.0f} s")
    outcome = _place_orders(machine) if orders else 0
    print_addresses(machine, new_password)
    if outcome:
        raise StackError("The demonstration orders did not add up; the shop is running. See above.")


def _start(machine: Machine) -> str | None:
    """Servers, database, programs. Returns the admin's password if it was made just now."""
    if machine.supervisor.process is None and orphans(machine.layout.var):
        say("Stopping processes that an earlier run left behind")
        machine.supervisor.stop(machine.programs)
    stopped = [server.name for server in machine.own_servers if not server.running]
    if stopped:
        say("Starting " + ", ".join(stopped))
    with ThreadPoolExecutor() as pool:
        broker = pool.submit(_start_broker, machine)
        together([one for one in machine.own_servers if one.name != "RabbitMQ"], "start")
        environment.write(machine.layout.environment, machine.variables)
        say("Preparing the database")
        new_password = _prepare(machine)
        broker.result()
    machine.manage("declare_queues")
    if machine.supervisor.process is None:
        say("Starting " + ", ".join(program.name for program in machine.programs))
        machine.supervisor.start(machine.programs, machine.process_environment)
    broker_url = machine.variables["CELERY_BROKER_URL"]
    readiness.wait_for(machine.programs, layout=machine.layout, broker_url=broker_url)
    _wait_for_shop(machine)
    return new_password


def _start_broker(machine: Machine) -> None:
    if machine.services.rabbitmq in machine.own_servers:
        machine.services.rabbitmq.start()


def _prepare(machine: Machine) -> str | None:
    with ThreadPoolExecutor() as pool:
        static = pool.submit(machine.manage, "collectstatic", "--noinput", "--verbosity", "0")
        machine.manage("migrate", "--noinput", "--verbosity", "0")
        admin = pool.submit(_create_admin, machine)
        machine.manage("seed_catalogue")
        write_stock_list(machine.layout)
        static.result()
        return admin.result()


def write_stock_list(layout: Layout) -> None:
    """What the sample supplier counted, once: the seeded stock, as of now.

    What the shop sells and receives later comes on top of the count, so asking again and again
    changes nothing.
    """
    if layout.supplier.exists():
        return
    as_of = datetime.now(UTC).isoformat()
    with layout.samples.open(newline="", encoding="utf-8") as samples:
        counts = [(row["sku"], row["stock"], as_of) for row in csv.DictReader(samples)]
    fresh = layout.supplier.with_suffix(".new")
    with fresh.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("sku", "on_hand", "as_of"), *counts])
    fresh.replace(layout.supplier)


def _create_admin(machine: Machine) -> str | None:
    """The new admin's password, or None when there already is an admin."""
    password = secrets.token_urlsafe(12)
    command = ["createsuperuser", "--noinput", "--username", ADMIN, "--email", "admin@localhost"]
    done = machine.run_manage(*command, env={"DJANGO_SUPERUSER_PASSWORD": password})
    if done.returncode == 0:
        return password
    if "already taken" in done.stderr:
        return None
    raise StackError(f"The admin could not be created: {done.stderr.strip()}")


def _wait_for_shop(machine: Machine) -> None:
    try:
        wait_until(
            lambda: readiness.shop_is_ready(machine.ports.web), timeout_s=SHOP_S, pause_s=0.2
        )
    except TimeoutError:
        log = machine.layout.logs / "web.log"
        raise StackError("The shop's /readyz does not say that it is ready.", log=log) from None


def _place_orders(machine: Machine) -> int:
    say("Placing real orders")
    command = [sys.executable, "manage.py", "demo_orders"]
    return subprocess.run(
        command, cwd=machine.layout.root, env=machine.process_environment, check=False
    ).returncode


def print_addresses(machine: Machine, new_password: str | None) -> None:
    ports = machine.ports
    flower_user, _, flower_password = machine.variables["FLOWER_BASIC_AUTH"].partition(":")
    known = "the password printed by the first ./run up (./run manage changepassword admin)"
    print()
    line("Shop", f"http://localhost:{ports.web}/")
    line("Admin", f"http://localhost:{ports.web}/admin/", f"{ADMIN} / {new_password or known}")
    line("Flower", f"http://localhost:{ports.flower}/", f"{flower_user} / {flower_password}")
    line("Mails", str(machine.layout.mail / "new"))
    line("Logs", "./run logs")
    line("Stop", "./run down")
