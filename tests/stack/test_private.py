"""`./run servers`: servers for a project that is not ours, printed for `eval`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from stack import environment
from stack.layout import ROOT
from stack.services import Services


def stack(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stack", "servers", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )


def test_given_servers_that_run_when_asked_for_then_their_addresses_are_printed(
    services: Services, tmp_path: Path
) -> None:
    """The folder is that of this test run, which has the same form."""
    before = [server.process for server in services]

    done = stack(services.postgres.directory.parent.parent)

    (tmp_path / "env").write_text(done.stdout.replace("export ", ""))
    assert environment.read(tmp_path / "env") == services.environment
    assert done.stderr == ""
    assert [server.process for server in services] == before


def test_given_nothing_that_runs_when_stopped_then_it_is_harmless(tmp_path: Path) -> None:
    done = stack(tmp_path, "--stop")

    assert done.stdout == ""
    assert str(tmp_path) in done.stderr
