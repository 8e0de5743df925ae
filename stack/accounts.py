"""Under which account the servers run, and where that account can reach its files.

PostgreSQL refuses to run as root, and the others have no need to. Started by root, all servers run
as the `postgres` account that its package makes (or `nobody`); else as the user who starts them.
"""

from __future__ import annotations

import hashlib
import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CANDIDATES = ("postgres", "nobody")
ELSEWHERE = Path("/var/lib")


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int
    switch: bool
    """Whether processes must change to the account, because we are root."""

    @property
    def popen_options(self) -> dict[str, Any]:
        """Keyword arguments for `subprocess` that start a process under the account."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give the file or folder to the account."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def make_directory(self, path: Path) -> Path:
        """A folder only the account can look into, in one that it can pass through."""
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)  # another server may be as fast
            path.parent.chmod(0o755)  # whatever the umask is
        path.mkdir(mode=0o700, exist_ok=True)
        self.own(path)
        return path

    def write(self, path: Path, text: str) -> None:
        """A file only the account can read, never readable by others even for a moment."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
        self.own(path)


def server_account() -> Account:
    """Ours, or an unprivileged one when we are root."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, switch=True)
    raise LookupError(f"None of the accounts {', '.join(CANDIDATES)} exists.")


def reachable_home(wanted: Path, account: Account) -> Path:
    """`wanted`, or a folder of its own under /var/lib when the account can't get there.

    A checkout under /root is closed to everybody else, and opening it is not ours to do.
    """
    if not account.switch or all(_open_to(parent, account) for parent in wanted.parents):
        return wanted
    digest = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    return ELSEWHERE / f"shop-stack-{digest}"


def _open_to(directory: Path, account: Account) -> bool:
    try:
        found = directory.stat()
    except FileNotFoundError:
        return True  # will be made by us, open
    if found.st_uid == account.uid:
        return bool(found.st_mode & 0o100)
    if found.st_gid == account.gid:
        return bool(found.st_mode & 0o010)
    return bool(found.st_mode & 0o001)
