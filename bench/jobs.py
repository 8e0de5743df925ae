"""`python -m bench.jobs`: what the job platform costs, beside plain Celery and Procrastinate.

Everything is measured in one run on the same servers, in turns (ours, theirs, ours, …), so that a
machine that gets slower or faster in between does so for all. Each figure is the median of three.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"

import django
from django.conf import settings
from django.core.management import call_command
from rich.console import Console

django.setup()

from bench import measures, results, servers  # noqa: E402  (they need the settings)
from bench.plain import PLAIN_QUEUE, app  # noqa: E402
from bench.processes import Memory, children_of, memory_of, node_name, running, worker  # noqa: E402
from bench.results import Comparison, Series  # noqa: E402
from bench.settings import DATABASE, LEDGER_QUEUE  # noqa: E402
from tasks.topology import declare  # noqa: E402

ROUNDS = 3


def main() -> None:
    arguments = _arguments()
    console = Console(highlight=False)
    admin_dsn = os.environ["DATABASE_URL"]
    broker = settings.CELERY_BROKER_URL
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.database(admin_dsn, DATABASE),
        servers.queues(broker, LEDGER_QUEUE, PLAIN_QUEUE),
    ):
        call_command("migrate", verbosity=0)
        with app.connection_for_write() as connection:
            declare(app, connection)
        rows = [
            *_enqueueing(console),
            *_running(console, Path(folder), _procrastinate(arguments.procrastinate, console)),
        ]
    about = servers.settings_of(admin_dsn)
    console.print()
    results.print_table(console, rows)
    console.print(", ".join(f"{name} {value}" for name, value in sorted(about.items())))
    if arguments.markdown:
        arguments.markdown.write_text(results.markdown(rows) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench jobs", description=__doc__)
    parser.add_argument(
        "--procrastinate",
        type=Path,
        metavar="PYTHON",
        default=os.environ.get("BENCH_PROCRASTINATE_PYTHON"),
        help="Python of an environment with requirements-bench.txt; left out, Procrastinate is "
        "not measured.",
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="Write the table there too.")
    return parser.parse_args()


def _procrastinate(python: Path | None, console: Console) -> Callable[[], float] | None:
    if python is None:
        console.print("Procrastinate is not measured: say --procrastinate PYTHON.")
        return None
    dsn = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{DATABASE}").geturl()
    return lambda: measures.procrastinate_noop_per_s(Path(python), dsn)


def _enqueueing(console: Console) -> list[Comparison]:
    """Nothing runs yet but the servers."""
    ledger, plain, bulk = _in_turns(
        console,
        ("enqueue, ledger", measures.ledger_enqueue_per_s),
        ("enqueue, plain Celery", measures.plain_enqueue_per_s),
        ("enqueue 1,000 at once, ledger", measures.ledger_bulk_per_s),
    )
    return [
        Comparison(
            name="durable enqueue inside a transaction",
            ours=Series(values=ledger, unit="/s"),
            other=Series(values=plain, unit="/s"),
            other_name="plain Celery, confirmed one by one",
            at_least=3,
        ),
        Comparison(
            name="bulk enqueue of 1,000",
            ours=Series(values=bulk, unit="/s"),
            other=Series(values=plain, unit="/s"),
            other_name="plain Celery, confirmed one by one",
            at_least=10,
        ),
    ]


def _running(
    console: Console, folder: Path, procrastinate: Callable[[], float] | None
) -> list[Comparison]:
    """With a dispatcher and a worker of two children each for the ledger and for plain Celery."""
    plain_node = node_name(PLAIN_QUEUE)
    with ExitStack() as stack:
        started = [
            stack.enter_context(running(command, folder / f"{name}.log"))
            for name, command in (
                ("dispatcher", ["manage.py", "dispatch_jobs"]),
                ("plain", worker("bench.plain", PLAIN_QUEUE, plain_node)),
                ("ledger", worker("shop", LEDGER_QUEUE, node_name(LEDGER_QUEUE))),
            )
        ]
        measures.start_latencies_ms()  # warms everything up
        others = [("no-ops, Procrastinate", procrastinate)] if procrastinate else []
        rates = _in_turns(
            console,
            ("no-ops, ledger", measures.ledger_noop_per_s),
            ("no-ops, plain Celery", lambda: measures.plain_noop_per_s(plain_node)),
            *others,
        )
        (latencies,) = _in_turns(console, ("enqueue to start", measures.start_latencies_ms))
        children = [memory_of(child) for child in children_of(started[-1])]
    return [*_rates(rates), *_latencies(latencies), *_memory(children)]


def _rates(rates: list[tuple[float, ...]]) -> list[Comparison]:
    names = ("plain Celery", "Procrastinate")
    goals = (0.6, None)
    return [
        Comparison(
            name="no-op jobs, exactly once",
            ours=Series(values=rates[0], unit="/s"),
            other=Series(values=other, unit="/s"),
            other_name=name,
            at_least=goal,
        )
        for other, name, goal in zip(rates[1:], names, goals, strict=False)
    ]


def _latencies(pairs: tuple[tuple[float, float], ...]) -> list[Comparison]:
    p50, p95 = zip(*pairs, strict=True)
    return [
        Comparison(name="enqueue → start, 50/s, p50", ours=_ms(p50), at_most=20),
        Comparison(name="enqueue → start, 50/s, p95", ours=_ms(p95)),
    ]


def _ms(values: tuple[float, ...]) -> Series:
    return Series(values=values, unit="ms")


def _memory(children: list[Memory]) -> list[Comparison]:
    return [
        Comparison(
            name="worker child with Django, RSS",
            ours=Series(values=tuple(child.rss_mb for child in children), unit="MB"),
            at_most=150,
        ),
        Comparison(
            name="worker child with Django, PSS",
            ours=Series(values=tuple(child.pss_mb for child in children), unit="MB"),
        ),
    ]


def _in_turns(console: Console, *measured: tuple[str, Callable[[], object]]) -> list[tuple]:
    """Measure each in turn, three times over; a series for each."""
    series: list[list[object]] = [[] for _ in measured]
    for turn in range(1, ROUNDS + 1):
        for (name, measure), values in zip(measured, series, strict=True):
            value = measure()
            values.append(value)
            console.print(f"{turn}/{ROUNDS} {name}: {_shown(value)}")
    return [tuple(values) for values in series]


def _shown(value: object) -> str:
    return f"{value:,.0f} /s" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
