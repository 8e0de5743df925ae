"""`python -m bench.sync`: a stock sync of a long feed beside a plain loop over its rows by the ORM.

Starts a PostgreSQL that syncs to disk and a Redis of its own and removes them. Each part runs in a
process of its own (`bench.sync_parts`), so that its memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.beside import ROOT
from bench.results import Comparison, Series, markdown, print_table
from stack.errors import StackError
from stack.notebook import Notebook
from stack.services import private_services, together

HOME = ROOT / "var" / "bench"
ROWS = 1_000_000
LOOP_ROWS = 3_000
"""Of the plain loop, at the most: some ten seconds. Its rate is the same for longer feeds."""

GOAL_PER_S = 20_000
GOAL_MB = 300


def main() -> int:
    options = _parser().parse_args()
    console = Console(highlight=False)
    try:
        rows = list(_measure(console, options))
    except StackError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print_table(console, rows)
    if options.markdown:
        options.markdown.write_text(markdown(rows) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run bench sync", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="of the feed (default: %(default)s)")
    parser.add_argument(
        "--changed", type=int, default=100, help="per cent of them that change something"
    )
    parser.add_argument("--chunk", type=int, default=0, help="SYNC_CHUNK_ROWS, if not the default")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="Write the table there too.")
    return parser


def _measure(console: Console, options: argparse.Namespace) -> Iterator[Comparison]:
    HOME.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="sync-", dir=HOME) as folder,
        _servers(Path(folder)) as addresses,
    ):
        environment = {
            **os.environ,
            **addresses,
            "DJANGO_SETTINGS_MODULE": "bench.settings",
            "DJANGO_SECRET_KEY": secrets.token_hex(40),
            "BENCH_SYNC_FEED": str(Path(folder) / "feed.csv"),
        }
        if options.chunk:
            environment["BENCH_SYNC_CHUNK_ROWS"] = str(options.chunk)
        console.print(f"Seeding {options.rows:,} products and their feed")
        _run("seed", environment, str(options.rows), str(options.changed))
        console.print("Buying with nobody else about")
        alone = _run("buy", environment, "100")
        console.print("Syncing, while somebody buys")
        buyer = _start("buy", environment, "0")
        try:
            ours = _run("sync", environment)
        finally:
            buyer.terminate()
            told, _ = buyer.communicate(timeout=60)
        for phase, spent in ours["phases"].items():
            console.print(f"{phase}: {spent}", soft_wrap=True)
        console.print("Syncing the same feed again, with nobody else about")
        again = _run("sync", environment)
        console.print("Looping over the first rows by the ORM")
        loop = _run("loop", environment, str(min(options.rows // 10, LOOP_ROWS)))
    yield from _compared(ours, again, loop, alone, json.loads(told))


@contextmanager
def _servers(folder: Path) -> Iterator[dict[str, str]]:
    """Their addresses. Nobody needs RabbitMQ here; its address is never called."""
    folder.chmod(0o755)  # the servers' account must pass; each has a closed folder
    services = private_services(folder / "servers", Notebook(folder / "notebook.json"))
    started = [services.postgres, services.redis]
    try:
        together(started, "start")
        yield services.environment
    finally:
        together(started, "stop")


def _start(part: str, environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench.sync_parts", part, *arguments],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _run(part: str, environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    """Run a part to its end; what it says. Raises `subprocess.CalledProcessError`."""
    process = _start(part, environment, *arguments)
    told, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    said: dict[str, Any] = json.loads(told)
    return said


def _compared(
    ours: dict[str, Any],
    again: dict[str, Any],
    loop: dict[str, Any],
    alone: dict[str, Any],
    beside: dict[str, Any],
) -> Iterator[Comparison]:
    def one(value: float, unit: str) -> Series:
        return Series(values=(value,), unit=unit)

    plain = one(loop["per_s"], "/s")
    rate = one(ours["per_s"], "/s")
    name = f"rows, {ours['changed']:,} of {ours['rows']:,} change"
    yield Comparison(name=name, ours=rate, at_least=GOAL_PER_S)
    yield Comparison(name=name, ours=rate, other=plain, other_name="ORM loop")
    name = f"rows, {again['changed']:,} of {again['rows']:,} change"
    rate = one(again["per_s"], "/s")
    yield Comparison(name=name, ours=rate, other=plain, other_name="ORM loop")
    # A shared machine spoils rates, but not this; its inverse is the rate of one that is idle.
    spent = one(ours["processor_us"], "µs")
    yield Comparison(name="processor time a row, in all processes", ours=spent)
    yield Comparison(name="peak memory (RSS)", ours=one(ours["peak_mb"], "MB"), at_most=GOAL_MB)
    for figure in ("p50_ms", "longest_ms"):
        what = figure.removesuffix("_ms")
        yield Comparison(name=f"a chunk, {what}", ours=one(ours["chunks"][figure], "ms"))
        yield Comparison(
            name=f"reserving during the sync, {what}",
            ours=one(beside[figure], "ms"),
            other=one(alone[figure], "ms"),
            other_name="without a sync",
        )


if __name__ == "__main__":
    sys.exit(main())
