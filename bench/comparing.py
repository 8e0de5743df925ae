"""The whole comparison: what is measured when, and against which goals.

Everything is measured in one run on the same servers, in turns (ours, theirs, ours, …), so that a
machine that gets slower or faster in between does so for all. Each figure is the median of three.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import measures
from bench.plain import PLAIN_QUEUE, app
from bench.processes import Memory, children_of, memory_of, node_name, running, worker
from bench.results import Comparison, Series
from bench.settings import LEDGER_QUEUE
from tasks.topology import declare

ROUNDS = 3


def dsn() -> str:
    """The servers' database, as libpq and so every driver reads it."""
    return os.environ["DATABASE_URL"]


def compare(console: Console, *, procrastinate: Path | None) -> list[Comparison]:
    """Measure everything; without the Python of an environment that has it, not Procrastinate."""
    with app.connection_for_write() as connection:
        declare(app, connection)
    rows = _enqueueing(console)
    with tempfile.TemporaryDirectory() as logs:
        return [*rows, *_running(console, Path(logs), procrastinate)]


def _enqueueing(console: Console) -> list[Comparison]:
    """Nothing runs yet but the servers."""
    ledger, plain, bulk = _in_turns(
        console,
        ("enqueue, ledger", measures.ledger_enqueue_per_s),
        ("enqueue, plain Celery", measures.plain_enqueue_per_s),
        ("enqueue 1,000 at once, ledger", measures.ledger_bulk_per_s),
    )
    other = Series(values=plain, unit="/s")
    other_name = "plain Celery, confirmed one by one"
    return [
        Comparison(
            name="durable enqueue inside a transaction",
            ours=Series(values=ledger, unit="/s"),
            other=other,
            other_name=other_name,
            at_least=3,
        ),
        Comparison(
            name="bulk enqueue of 1,000",
            ours=Series(values=bulk, unit="/s"),
            other=other,
            other_name=other_name,
            at_least=10,
        ),
    ]


def _running(console: Console, logs: Path, procrastinate: Path | None) -> list[Comparison]:
    """With a dispatcher and a worker of two children each for the ledger and for plain Celery."""
    plain_node = node_name(PLAIN_QUEUE)
    commands = {
        "dispatcher": ["manage.py", "dispatch_jobs"],
        "plain": worker("bench.plain", PLAIN_QUEUE, plain_node),
        "ledger": worker("shop", LEDGER_QUEUE, node_name(LEDGER_QUEUE)),
    }
    contenders: list[tuple[str, Callable[[], float]]] = [
        ("no-ops, ledger", measures.ledger_noop_per_s),
        ("no-ops, plain Celery", lambda: measures.plain_noop_per_s(plain_node)),
    ]
    if procrastinate is not None:
        python = procrastinate
        contenders.append(
            ("no-ops, Procrastinate", lambda: measures.procrastinate_noop_per_s(python, dsn()))
        )
    with ExitStack() as stack:
        started = {
            name: stack.enter_context(running(command, logs / f"{name}.log"))
            for name, command in commands.items()
        }
        measures.start_latencies_ms()  # warms everything up
        rates = _in_turns(console, *contenders)
        (latencies,) = _in_turns(console, ("enqueue to start, ms", measures.start_latencies_ms))
        children = [memory_of(child) for child in children_of(started["ledger"])]
    return [*_rates(rates), *_latencies(latencies), *_memory(children)]


def _rates(rates: list[tuple[Any, ...]]) -> list[Comparison]:
    beside = zip(rates[1:], ("plain Celery", "Procrastinate"), (0.6, None), strict=False)
    return [
        Comparison(
            name="no-op jobs, exactly once",
            ours=Series(values=rates[0], unit="/s"),
            other=Series(values=other, unit="/s"),
            other_name=name,
            at_least=goal,
        )
        for other, name, goal in beside
    ]


def _latencies(pairs: tuple[Any, ...]) -> list[Comparison]:
    p50, p95 = (Series(values=values, unit="ms") for values in zip(*pairs, strict=True))
    return [
        Comparison(name="enqueue → start at 50/s, p50", ours=p50, at_most=20),
        Comparison(name="enqueue → start at 50/s, p95", ours=p95),
    ]


def _memory(children: list[Memory]) -> list[Comparison]:
    rss = Series(values=tuple(child.rss_mb for child in children), unit="MB")
    pss = Series(values=tuple(child.pss_mb for child in children), unit="MB")
    return [
        Comparison(name="worker child with Django, RSS", ours=rss, at_most=150),
        Comparison(name="worker child with Django, PSS", ours=pss),
    ]


def _in_turns(
    console: Console, *measured: tuple[str, Callable[[], object]]
) -> list[tuple[Any, ...]]:
    """Measure each in turn, three times over; a series for each."""
    series: list[list[object]] = [[] for _ in measured]
    for turn in range(1, ROUNDS + 1):
        for (name, measure), values in zip(measured, series, strict=True):
            value = measure()
            values.append(value)
            console.print(f"{turn} of {ROUNDS}  {name}: {_shown(value)}")
    return [tuple(values) for values in series]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " / ".join(f"{part:.1f}" for part in value)
    return f"{value:,.0f} /s"
