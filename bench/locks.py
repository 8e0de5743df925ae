"""`python -m bench.locks`: our locks beside others', in one run, in turns, on the same servers.

Starts a Redis and a PostgreSQL of its own and removes them. python-redis-lock and pottery are
installed beside the project's environment, never into it; without them the rest is measured.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from bench import lock_measures as measures
from bench.beside import ROOT
from bench.lock_contenders import CONTENDERS, Contender, Servers, baton
from bench.lock_crowd import Crowd
from bench.results import Comparison, Series, markdown, print_table
from bench.turns import in_turns
from stack.notebook import Notebook
from stack.services import private_services, together

PEERS = ("python-redis-lock==4.0.1", "pottery==3.0.1", "mmh3")
ROUNDS = 3
ALONE_ROUNDS = 15
"""More and shorter turns, since a difference of a few µs is looked for."""


def main() -> int:
    options = _parser().parse_args()
    home = ROOT / "var" / "bench"
    home.mkdir(parents=True, exist_ok=True)
    contenders = _contenders(home / "lock-peers")
    console = Console()
    with tempfile.TemporaryDirectory(prefix="locks-", dir=home) as folder:
        Path(folder).chmod(0o755)
        with _servers(Path(folder)) as servers:
            rows = []
            for name in options.only:
                part = list(PARTS[name](console, servers, contenders))
                print_table(console, part)
                rows += part
    if options.markdown:
        options.markdown.write_text(markdown(rows) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run bench locks", description=__doc__)
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="Write the table there too.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    return parser


@contextmanager
def _servers(folder: Path) -> Iterator[Servers]:
    services = private_services(folder / "servers", Notebook(folder / "notebook.json"))
    started = [services.postgres, services.redis]
    together(started, "start")
    try:
        yield Servers(redis_url=services.redis.url, dsn=services.postgres.url)
    finally:
        together(started, "stop")


def _contenders(folder: Path) -> dict[str, Contender]:
    """Those whose package is there, or can be installed into `folder`."""
    sys.path.append(str(folder))
    if not folder.exists():
        install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target"]
        subprocess.run([*install, str(folder), *PEERS], check=False)
    invalidate_caches()
    packages = {"python-redis-lock": "redis_lock", "pottery": "pottery"}
    return {
        name: contender
        for name, contender in CONTENDERS.items()
        if name not in packages or find_spec(packages[name])
    }


def alone(
    console: Console, servers: Servers, contenders: dict[str, Contender]
) -> Iterator[Comparison]:
    measured: dict[str, Callable[[], float]] = {
        name: partial(measures.pairs_per_s, contender, servers)
        for name, contender in contenders.items()
    }
    measured["two PINGs"] = partial(measures.ping_pairs_per_s, servers)
    results = in_turns(console, "alone", measured, ALONE_ROUNDS)
    mine = Series(values=results.pop("ours"), unit="/s")
    goals = {"two PINGs": 1.1, "redis-py": 1.3}
    for name, values in results.items():
        yield Comparison(
            name="(a) lock and release, nobody else",
            ours=mine,
            other=Series(values=values, unit="/s"),
            other_name=name,
            at_least=goals.get(name),
        )


def hot_key(
    console: Console, servers: Servers, contenders: dict[str, Contender]
) -> Iterator[Comparison]:
    crowds = in_turns(
        console,
        "8 processes, 1 ms",
        {
            name: partial(measures.hot_key, contender, servers)
            for name, contender in {**contenders, "baton": baton}.items()
        },
        ROUNDS,
    )
    ideal = Series(values=(measures.ideal_per_s(),), unit="/s")
    mine = crowds.pop("ours")
    rates = _series(mine, lambda crowd: crowd.per_s, "/s")
    yield _beside("(b) 8 processes on a key", rates, ideal, "ideal", None)
    goals = {"baton": 0.9, "redis-py": 2.4}
    for name, other in crowds.items():
        theirs = _series(other, lambda crowd: crowd.per_s, "/s")
        yield _beside("(b) 8 processes on a key", rates, theirs, name, goals.get(name))
    yield Comparison(
        name="(b) hand-off, p50",
        ours=_series(mine, lambda crowd: crowd.hand_offs_ms[0], "ms"),
        other=_series(crowds["baton"], lambda crowd: crowd.hand_offs_ms[0], "ms"),
        other_name="baton",
        at_most=2,
    )
    yield Comparison(
        name="(b) hand-off, p99",
        ours=_series(mine, lambda crowd: crowd.hand_offs_ms[1], "ms"),
        other=_series(crowds["baton"], lambda crowd: crowd.hand_offs_ms[1], "ms"),
        other_name="baton",
    )
    for name, other in crowds.items():
        yield Comparison(
            name="(b) longest wait",
            ours=_series(mine, lambda crowd: crowd.longest_wait_ms, "ms"),
            other=_series(other, lambda crowd: crowd.longest_wait_ms, "ms"),
            other_name=name,
            at_most=0.05 if name == "redis-py" else None,
        )
    for name, other in crowds.items():
        yield Comparison(
            name="(b) most ÷ fewest sections of a process",
            ours=_series(mine, lambda crowd: crowd.unfairness, ""),
            other=_series(other, lambda crowd: crowd.unfairness, ""),
            other_name=name,
        )
    yield Comparison(
        name="(b) most ÷ fewest sections of a process",
        ours=_series(mine, lambda crowd: crowd.unfairness, ""),
        at_most=1.1,
    )


def crossing(
    console: Console, servers: Servers, contenders: dict[str, Contender]
) -> Iterator[Comparison]:
    crowds = in_turns(
        console,
        "two keys, both orders",
        {
            name: partial(measures.crossing_keys, contender, servers)
            for name, contender in contenders.items()
        },
        1,
    )
    mine = _series(crowds["ours"], lambda crowd: crowd.per_s, "/s")
    for name, other in crowds.items():
        failed = _series(other, lambda crowd: float(crowd.timeouts), "timeouts")
        if name == "ours":
            yield Comparison(name="(c) crossing keys: ours", ours=failed, at_most=0)
        else:
            yield Comparison(
                name=f"(c) crossing keys: {name} ({failed})",
                ours=mine,
                other=_series(other, lambda crowd: max(crowd.per_s, 0.001), "/s"),
                other_name=name,
            )


def deaths(
    console: Console, servers: Servers, contenders: dict[str, Contender]
) -> Iterator[Comparison]:
    results = in_turns(
        console,
        "kill -9",
        {
            "holder": lambda: measures.after_a_holders_death_ms(servers),
            "waiter": lambda: measures.after_a_waiters_death_ms(servers),
        },
        ROUNDS,
    )
    for name, values in results.items():
        after = "ttl" if name == "holder" else "release"
        yield Comparison(
            name=f"(d) next in after a {name}'s death, beyond the {after}",
            ours=Series(values=values, unit="ms"),
            at_most=50,
        )


def stock(
    console: Console, servers: Servers, contenders: dict[str, Contender]
) -> Iterator[Comparison]:
    ways: dict[str, Callable[[Servers, int], None]] = {
        name: measures.by_lock(contender) for name, contender in contenders.items()
    }
    ways |= {"FOR UPDATE": measures.by_row_lock, "conditional UPDATE": measures.by_condition}
    results = in_turns(
        console,
        "2,000 units",
        {name: partial(measures.sell_out_per_s, way, servers) for name, way in ways.items()},
        ROUNDS,
    )
    mine = Series(values=results.pop("ours"), unit="/s")
    for name, values in results.items():
        yield _beside("(e) units of one row", mine, Series(values=values, unit="/s"), name, None)


PARTS = {
    "alone": alone,
    "hot_key": hot_key,
    "crossing": crossing,
    "deaths": deaths,
    "stock": stock,
}


def _series(crowds: tuple[Crowd, ...], figure: Callable[[Crowd], float], unit: str) -> Series:
    return Series(values=tuple(map(figure, crowds)), unit=unit)


def _beside(
    name: str, mine: Series, theirs: Series, other: str, at_least: float | None
) -> Comparison:
    return Comparison(name=name, ours=mine, other=theirs, other_name=other, at_least=at_least)


if __name__ == "__main__":
    sys.exit(main())
