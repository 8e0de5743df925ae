"""`python -m stack.worker`: a Celery worker of the shop, as every way of starting one wants it.

It becomes the worker (`exec`), so that signals reach Celery itself. The node's name is new at each
start: RabbitMQ may still hold the last one's queues under a name that comes back at once, and
refuse it. https://www.rabbitmq.com/docs/queues#exclusive-queues
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence


def command(
    *, queues: Sequence[str], concurrency: int, include: Sequence[str] = (), prefetch: int = 0
) -> list[str]:
    """The command line of a worker for the queues. `prefetch` 0 leaves the multiplier alone."""
    return [
        *(sys.executable, "-m", "celery", "-A", "shop", "worker"),
        *("--queues", ",".join(queues), "--concurrency", str(concurrency)),
        *("--hostname", node_name(queues), "--loglevel", "INFO"),
        *("--without-gossip", "--without-mingle"),
        *(("--include", ",".join(include)) if include else ()),
        *(("--prefetch-multiplier", str(prefetch)) if prefetch else ()),
    ]


def node_name(queues: Sequence[str]) -> str:
    return f"{'-'.join(queues)}-{os.getpid()}-{time.time_ns() // 1_000_000:x}@localhost"


def environment(current: Mapping[str, str]) -> dict[str, str]:
    """With REMAP_SIGTERM a stop is a soft shutdown of bounded length, whatever a job is doing.

    https://docs.celeryq.dev/en/stable/userguide/workers.html#remap-sigterm
    """
    return {**current, "REMAP_SIGTERM": "SIGQUIT"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stack.worker", description=__doc__)
    parser.add_argument("--queues", required=True, help="names, separated by commas")
    parser.add_argument("--concurrency", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--include", default="", help="more modules with tasks, by commas")
    parser.add_argument("--prefetch", type=int, default=0, help="messages held for each process")
    options = parser.parse_args()
    started = command(
        queues=options.queues.split(","),
        concurrency=options.concurrency,
        include=[name for name in options.include.split(",") if name],
        prefetch=options.prefetch,
    )
    os.execve(started[0], started, environment(os.environ))  # noqa: S606


if __name__ == "__main__":
    main()
