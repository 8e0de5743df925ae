"""What can go wrong with the stack. Each message is one sentence for the person at the terminal."""

from __future__ import annotations

from pathlib import Path

TAIL_LINES = 25


class StackError(Exception):
    """Something could not be started or stopped. `log` is where the reason is, if there is one."""

    def __init__(self, sentence: str, *, log: Path | None = None) -> None:
        super().__init__(sentence)
        self.log = log

    def __str__(self) -> str:
        sentence = super().__str__()
        lines = tail(self.log)
        if not lines:
            return sentence
        return "\n".join([f"{sentence} The end of {self.log}:", *(f"  {line}" for line in lines)])


class NotInstalled(StackError):
    """A program is missing. Install the named package, or start with `./run up` as root."""


def tail(log: Path | None, *, lines: int = TAIL_LINES) -> list[str]:
    """The last lines of a log; empty when there is none."""
    if log is None or not log.is_file():
        return []
    return log.read_text(errors="replace").splitlines()[-lines:]
