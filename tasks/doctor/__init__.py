"""Is the stack as the platform needs it? `manage.py doctor` asks the running servers.

A check is a function that yields the problems it finds, and nothing when all is well. It asks by
itself and changes nothing that others see, so it can run at any time beside a busy house. What
can't be reached is a problem of the check that wanted it, and doesn't stop the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from inspect import getdoc

from amqp.exceptions import AMQPError
from django.db import Error, connection
from redis import RedisError

from tasks.doctor import broker, database, flow, memory, times
from tasks.doctor.problem import Problem
from tasks.errors import JobError

Check = Callable[[], Iterator[Problem]]

CHECKS: Sequence[Check] = (
    database.migrations,
    database.replication,
    times.clocks,
    times.time_limits,
    memory.eviction,
    broker.confirms,
    broker.dead_letters,
    broker.queues,
    flow.routes,
    flow.dispatcher,
    flow.workers,
    flow.depths,
    flow.leases,
    flow.beat,
    flow.second_beat,
    flow.pauses,
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one check found."""

    check: str
    about: str
    problems: tuple[Problem, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing must be done; hints are no illness."""
        return not any(problem.serious for problem in self.problems)


def examine(checks: Iterable[Check] = CHECKS) -> list[Result]:
    """Run the checks, one after the other."""
    return [
        Result(check=check.__name__, about=_about(check), problems=tuple(_ask(check)))
        for check in checks
    ]


def _ask(check: Check) -> list[Problem]:
    try:
        return list(check())
    except Error as error:
        connection.close()
        return [_unreachable("PostgreSQL", error)]
    except RedisError as error:
        return [_unreachable("Redis", error)]
    except (AMQPError, OSError, JobError) as error:
        return [_unreachable("RabbitMQ", error)]


def _unreachable(what: str, error: Exception) -> Problem:
    said = str(error).strip().splitlines() or [type(error).__name__]
    return Problem(
        what=f"{what} can't be asked: {said[0]}",
        do=f"Start {what}, or set its address right.",
    )


def _about(check: Check) -> str:
    return (getdoc(check) or "").splitlines()[0].rstrip(".")
