"""Something guarded by fencing tokens, for tests: a file that remembers the newest one."""

from __future__ import annotations

import fcntl
from pathlib import Path

from tasks.locks import StaleFence


class Register:
    """Every accepted write is a line, `begin 17` or `end 17`, in the order of acceptance."""

    def __init__(self, path: Path, *, fenced: bool = True) -> None:
        self._path = path
        self._fenced = fenced
        path.touch()

    def write(self, what: str, token: int) -> None:
        """Raises `StaleFence` when a larger token has written before."""
        with self._path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            lines = file.read().splitlines()
            newest = max((int(line.split()[1]) for line in lines), default=0)
            if self._fenced and token < newest:
                raise StaleFence(f"{token} < {newest}")
            file.write(f"{what} {token}\n")

    def accepted(self) -> list[tuple[str, int]]:
        lines = [line.split() for line in self._path.read_text().splitlines()]
        return [(what, int(token)) for what, token in lines]
