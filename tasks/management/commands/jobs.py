"""`manage.py jobs`: look at jobs, act on one or on all that a filter means, watch them live."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from rich.console import Group, RenderableType
from rich.live import Live

from tasks import audit_log, operations, queues, statistics, terminal
from tasks.bulk import Deed
from tasks.dead import dead_groups
from tasks.dry_run import dry_run
from tasks.errors import JobError
from tasks.job_filter import JobFilter, moment
from tasks.models import Job, JobState
from tasks.statistics import Window

DEEDS = {
    "retry": (Deed.RETRY, "retry dead, cancelled, expired or discarded jobs"),
    "cancel": (Deed.CANCEL, "cancel jobs; running ones are asked to stop"),
    "discard": (Deed.DISCARD, "put dead jobs away that need nobody"),
    "run": (Deed.RUN_NOW, "make scheduled jobs due now"),
    "priority": (Deed.REPRIORITISE, "change the priority of live jobs (--to)"),
}


class Command(BaseCommand):
    help = "Look at jobs and act on them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="verb")

        def verb(name: str, text: str) -> ArgumentParser:
            added = verbs.add_parser(name, help=text, description=text)
            added.add_argument("--json", action="store_true", help="print JSON")
            return added

        listing = verb("list", "the newest jobs")
        _add_filter(listing)
        listing.add_argument("--limit", type=int, default=20)
        verb("show", "all about one job").add_argument("id", type=_uuid)
        rehearsal = verb("dry-run", "what an ended job would do if it were retried now")
        rehearsal.add_argument("id", type=_uuid)
        for name, (_, text) in DEEDS.items():
            deed = verb(name, text)
            deed.add_argument("ids", nargs="*", type=_uuid, metavar="id")
            _add_filter(deed)
            deed.add_argument("--reason", default="", help="why, for the audit log")
            deed.add_argument("--yes", action="store_true", help="don't ask")
            if name == "priority":
                deed.add_argument("--to", type=int, required=True, help="0 to 9")
        dead = verb("dead", "dead jobs by their error")
        dead.add_argument("--task", default="")
        dead.add_argument("--queue", default="")
        for added in (
            verb("stats", "throughput, failures and latency"),
            verb("watch", "queues and numbers, live; ends with Ctrl-C"),
        ):
            added.add_argument("--window", choices=[each.value for each in Window], default="1h")
            added.add_argument("--by", choices=["queue", "task"], default="task")
        added.add_argument("--every", type=float, default=2.0, help="seconds between two looks")
        added.add_argument("--times", type=int, default=0, help="end after so many looks")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            if verb in DEEDS:
                self._act(DEEDS[verb][0], **options)
            else:
                getattr(self, f"_{verb.replace('-', '_')}")(**options)
        except (JobError, ValueError) as error:
            raise CommandError(str(error)) from error

    def _list(self, *, limit: int, json: bool, **options: Any) -> None:
        chosen = _filter(options)
        found = list(chosen.jobs().order_by("-created_at")[:limit])
        self._print(
            lambda: terminal.jobs_table(found), [terminal.job_record(each) for each in found], json
        )
        if not json and len(found) == limit:
            self.stdout.write(f"The newest {limit}; there may be more (--limit).")

    def _show(self, *, id: UUID, json: bool, **_: Any) -> None:  # noqa: A002  # as it is typed
        job = Job.objects.filter(pk=id).first()
        if job is None:
            raise CommandError(f"No job {id}.")
        attempts = list(job.attempts.all())
        record = {
            **terminal.job_record(job),
            "attempts": [terminal.attempt_record(each) for each in attempts],
        }
        self._print(lambda: terminal.job_page(job, attempts), record, json)

    def _dry_run(self, *, id: UUID, json: bool, **_: Any) -> None:  # noqa: A002  # as it is typed
        try:
            found = dry_run(id, actor=audit_log.shell())
        except Job.DoesNotExist as error:
            raise CommandError(f"No job {id}.") from error
        self._print(lambda: terminal.dry_run_page(found), asdict(found), json)

    def _dead(self, *, task: str, queue: str, json: bool, **_: Any) -> None:
        groups = dead_groups(task=task, queue=queue)
        self._print(
            lambda: terminal.dead_table(groups) if groups else "No dead jobs.",
            [asdict(each) for each in groups],
            json,
        )

    def _stats(self, *, window: str, by: str, json: bool, **_: Any) -> None:
        rows = _numbers(Window(window), by)
        self._print(
            lambda: terminal.numbers_table(rows) if rows else f"Nothing ended in {window}.",
            [{by: name, **_figures(numbers)} for name, numbers in rows],
            json,
        )

    def _watch(
        self, *, every: float, times: int, window: str, by: str, json: bool, **_: Any
    ) -> None:
        def look() -> Group:
            return Group(
                terminal.queues_table(queues.queues()),
                "",
                f"last {window}",
                terminal.numbers_table(_numbers(Window(window), by)),
            )

        if json:
            raise CommandError("watch is for people: use `jobs stats --json` and `queues --json`.")
        looks = 1
        try:
            with Live(look(), console=terminal.console(self.stdout), auto_refresh=False) as live:
                while looks != times:
                    time.sleep(every)
                    live.update(look(), refresh=True)
                    looks += 1
        except KeyboardInterrupt:
            return

    def _act(
        self, deed: Deed, *, ids: Sequence[UUID], reason: str, yes: bool, json: bool, **options: Any
    ) -> None:
        chosen, actor = _filter(options), audit_log.shell()
        priority = options.get("to")
        if bool(ids) == (not chosen.is_empty):
            raise CommandError("Give either ids or conditions such as --task and --state.")
        if ids:
            changed = [
                each
                for each in ids
                if operations.act(deed, each, actor=actor, reason=reason, priority=priority)
            ]
            self._answer(len(ids), len(changed), None, json=json)
            return
        self._confirm(deed, operations.count(deed, chosen), yes=yes)
        answer = operations.act_on_all(deed, chosen, actor=actor, reason=reason, priority=priority)
        self._answer(answer.matched, answer.changed, answer.job_id, json=json)

    def _confirm(self, deed: Deed, count: int, *, yes: bool) -> None:
        if yes or not count:
            return
        question = f"{deed.replace('_', ' ')} {count} jobs? Type yes: "
        try:
            agreed = input(question) == "yes"
        except EOFError:
            agreed = False
        if not agreed:
            raise CommandError(f"Nothing was done: {count} jobs are meant; confirm or add --yes.")

    def _answer(
        self, matched: int, changed: int | None, job_id: UUID | None, *, json: bool
    ) -> None:
        if json:
            record = {"matched": matched, "changed": changed, "job": job_id}
            self.stdout.write(terminal.as_json(record))
        elif job_id:
            self.stdout.write(
                f"{matched} jobs: the job {job_id} is at it; `jobs show` tells how far."
            )
        else:
            self.stdout.write(f"{changed} of {matched} jobs changed.")
        if changed == 0:
            raise CommandError("No job was changed: none is there in a state for it.")

    def _print(self, page: Callable[[], RenderableType], record: object, json: bool) -> None:
        if json:
            self.stdout.write(terminal.as_json(record))
        else:
            terminal.console(self.stdout).print(page())


def _add_filter(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("which jobs")
    group.add_argument("--task", default="", help="its name: orders.send_email")
    group.add_argument(
        "--state", action="append", default=[], choices=JobState.values, help="may be repeated"
    )
    group.add_argument("--queue", default="")
    group.add_argument("--subject", default="", help="what it is about: order:42")
    group.add_argument("--tag", default="")
    group.add_argument("--error", default="", help="a part of the error's text")
    group.add_argument("--like", default="", help="an error as `jobs dead` shows it")
    group.add_argument("--argument", default="", help="a whole value anywhere in its arguments")
    group.add_argument("--correlation", default="", help="the id of a request or of its jobs")
    group.add_argument("--since", type=_moment, help="enqueued since: 30m, 2h, 7d or an ISO time")
    group.add_argument("--until", type=_moment, help="enqueued before")


def _filter(options: dict[str, Any]) -> JobFilter:
    return JobFilter(
        task=options["task"],
        states=tuple(JobState(each) for each in options["state"]),
        queue=options["queue"],
        subject=options["subject"],
        tag=options["tag"],
        error=options["error"],
        error_group=options["like"],
        argument=options["argument"],
        correlation_id=options["correlation"],
        since=options["since"],
        until=options["until"],
    )


def _numbers(window: Window, by: str) -> list[tuple[str, statistics.Numbers]]:
    if by == "queue":
        return list(statistics.by_queue(window).items())
    tasks = statistics.by_task(window)
    names = sorted({each.task for each in tasks})
    return [
        (name, statistics.total(each.numbers for each in tasks if each.task == name))
        for name in names
    ]


def _figures(numbers: statistics.Numbers) -> dict[str, Any]:
    derived = ("failed", "failure_rate", "wait_p50_s", "wait_p99_s", "run_p50_s", "run_p99_s")
    return {name: getattr(numbers, name) for name in (*statistics.COUNTS, *derived)}


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is no job's id.") from error


def _moment(text: str) -> Any:
    try:
        return moment(text)
    except ValueError as error:
        raise CommandError(str(error)) from error
