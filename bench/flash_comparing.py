"""A flash sale's two speeds beside their peers and limits: promises of units, and whole orders."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from celery.app import app_or_default
from rich.console import Console

from bench import flash_orders as orders
from bench import flash_reserving as reserving
from bench.results import Comparison, Series
from bench.turns import in_turns
from stack.postgres import binaries
from tasks.topology import declare

ROUNDS = 3
FEW, MANY = 8, 200
"""Clients that wait at one product."""

GOALS = {FEW: 4.0, MANY: 30.0}
"""Times the rate of SELECT FOR UPDATE."""

PROVIDERS_S = (0.0, 0.2)
"""How long a charge takes: no time at all, and what a card network needs at the least."""


def compare(console: Console) -> list[Comparison]:
    with app_or_default().connection_for_write() as connection:
        declare(app_or_default(), connection)
    few, many = _reserving(console, FEW), _reserving(console, MANY)
    return [*few, *many, *(_selling(console, answer_s) for answer_s in PROVIDERS_S)]


def _reserving(console: Console, clients: int) -> list[Comparison]:
    peers = {
        "one by one under the lock": partial(one_client_each, reserving.one_by_one, clients),
        "SELECT FOR UPDATE": partial(one_client_each, reserving.for_update, clients),
        "conditional UPDATE": partial(one_client_each, reserving.by_condition, clients),
        "pgbench, the same SQL": partial(pgbench_per_s, clients=clients),
    }
    ours = {"together": partial(one_client_each, reserving.together, clients)}
    if clients == MANY:
        asked = partial(reserving.asked_per_s, waiting=MANY)
        ours["asked with their orders"] = partial(asked, asking_counts=False)
        ours["the same, asking counted"] = partial(asked, asking_counts=True)
    results = in_turns(console, f"{clients} clients at one product", {**ours, **peers}, ROUNDS)
    return [
        Comparison(
            name=f"reservations, {clients} waiting ({name})",
            ours=Series(values=results[name], unit="/s"),
            other=Series(values=results[other], unit="/s"),
            other_name=other,
            at_least=GOALS[clients] if other == "SELECT FOR UPDATE" else None,
        )
        for name in ours
        for other in peers
    ]


def one_client_each(way: reserving.Way, clients: int) -> float:
    return reserving.reservations_per_s(way, clients=clients)


def _selling(console: Console, answer_s: float) -> Comparison:
    with tempfile.TemporaryDirectory() as logs:
        ways = {
            name: partial(_orders_per_s, Path(logs), alone=alone, answer_s=answer_s)
            for name, alone in [("together", False), ("alone", True)]
        }
        results = in_turns(console, f"orders, provider {answer_s:g} s", ways, ROUNDS)
    return Comparison(
        name=f"orders of one product to their end, provider takes {answer_s:g} s",
        ours=Series(values=results["together"], unit="/s"),
        other=Series(values=results["alone"], unit="/s"),
        other_name="one order at a time under the lock",
        at_least=3.0,
    )


def _orders_per_s(logs: Path, *, alone: bool, answer_s: float) -> float:
    with orders.shop(logs, alone=alone, answer_s=answer_s):
        return orders.orders_per_s()


def pgbench_per_s(*, clients: int) -> float:
    """The conditional statement from PostgreSQL's own C client: the limit of one by one."""
    row = reserving.crowded_product()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "reserve.sql"
        statement = reserving.IN_ONE_STATEMENT.replace("%(stock_id)s", str(row.pk))
        unique = "'pgbench:' || nextval('bench_numbers')"
        script.write_text(" ".join(statement.replace("%(reference)s", unique).split()) + ";\n")
        psql = [str(binaries() / "psql"), os.environ["DATABASE_URL"], "-qc"]
        subprocess.run([*psql, "CREATE SEQUENCE IF NOT EXISTS bench_numbers CACHE 100"], check=True)
        ended = subprocess.run(
            [
                *(str(binaries() / "pgbench"), "--no-vacuum", "--file", str(script)),
                *("--client", str(clients), "--jobs", "2", "--protocol", "prepared"),
                *("--time", f"{reserving.CROWD_S:.0f}", os.environ["DATABASE_URL"]),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    [line] = [each for each in ended.stdout.splitlines() if each.startswith("tps = ")]
    return float(line.split()[2])
