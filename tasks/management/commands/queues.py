"""`manage.py queues`: how long they are; pause, resume and purge one."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tasks import audit_log, queues, terminal
from tasks.errors import JobError


class Command(BaseCommand):
    help = "Look at queues; pause, resume or purge one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="verb")
        for name, text in (
            ("list", "what waits where (also without a verb)"),
            ("pause", "start no more jobs of a queue; survives restarts"),
            ("resume", "let them go on"),
            ("purge", "cancel every job of a queue that has not started"),
        ):
            verb = verbs.add_parser(name, help=text, description=text)
            verb.add_argument("--json", action="store_true", help="print JSON")
            if name != "list":
                verb.add_argument("queue")
                verb.add_argument("--reason", default="", help="why, for the audit log")
            if name == "purge":
                verb.add_argument(
                    "--confirm", metavar="QUEUE", default="", help="the queue's name again"
                )

    def handle(self, *args: Any, verb: str | None, json: bool = False, **options: Any) -> None:
        if verb in {None, "list"}:
            self._list(json=json)
            return
        queue, by = options["queue"], {"actor": audit_log.shell(), "reason": options["reason"]}
        try:
            if verb == "pause":
                happened = queues.pause(queue=queue, **by)
                self._expect(happened, f"{queue} was paused already.")
                self._say(f"{queue} is paused.", {"queue": queue, "paused": True}, json)
            elif verb == "resume":
                happened = queues.resume(queue=queue, **by)
                self._expect(happened, f"{queue} isn't paused.")
                self._say(f"{queue} goes on.", {"queue": queue, "paused": False}, json)
            else:
                gone = queues.purge(queue=queue, confirm=options["confirm"], **by)
                self._say(f"{gone} jobs are cancelled.", {"queue": queue, "cancelled": gone}, json)
        except JobError as error:
            raise CommandError(str(error)) from error

    def _list(self, *, json: bool) -> None:
        found = queues.queues()
        if json:
            self.stdout.write(terminal.as_json([asdict(each) for each in found]))
        else:
            terminal.console(self.stdout).print(terminal.queues_table(found))

    def _say(self, sentence: str, record: dict[str, Any], json: bool) -> None:
        self.stdout.write(terminal.as_json(record) if json else sentence)

    def _expect(self, happened: bool, sentence: str) -> None:
        if not happened:
            raise CommandError(sentence)
