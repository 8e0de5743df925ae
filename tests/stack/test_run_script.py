"""`./run` itself: what it says to a newcomer, before anything is installed or started."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stack.layout import ROOT

COMMANDS = (
    *("up", "demo", "test", "bench", "chaos", "down", "status", "logs", "manage", "check"),
    "servers",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the script in it, where nothing was ever started."""
    folder = tmp_path / "a fresh checkout"
    folder.mkdir()
    shutil.copy2(ROOT / "run", folder)
    return folder


def run(
    checkout: Path, *arguments: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "run", *arguments],
        cwd=cwd or checkout,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("arguments", [(), ("help",), ("--help",), ("-h",)])
def test_given_no_command_or_help_then_every_command_is_explained(
    checkout: Path, arguments: tuple[str, ...]
) -> None:
    ended = run(checkout, *arguments)

    assert ended.returncode == 0
    assert ended.stderr == ""
    for command in COMMANDS:
        assert re.search(rf"^  {command}\b.*  \S", ended.stdout, re.MULTILINE), command


def test_given_an_unknown_command_then_it_is_named_and_help_follows(checkout: Path) -> None:
    ended = run(checkout, "upp")

    assert ended.returncode == 2
    assert ended.stderr.startswith("✗ Unknown command: upp\n")
    assert "Usage: ./run COMMAND" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("command", ["down", "status", "logs", "demo", "manage"])
def test_given_nothing_was_ever_started_then_one_sentence_says_so(
    checkout: Path, command: str
) -> None:
    ended = run(checkout, command)

    assert ended.returncode == 1
    assert re.fullmatch(r"✗ .+\n", ended.stderr)
    assert sorted(path.name for path in checkout.iterdir()) == ["run"], "it left something behind"


def test_given_another_folder_then_the_script_finds_its_own(checkout: Path, tmp_path: Path) -> None:
    ended = run(checkout, "manage", "check", cwd=tmp_path)

    assert "./run up" in ended.stderr


def test_given_a_started_shop_then_manage_runs_with_its_settings_and_arguments(
    checkout: Path,
) -> None:
    """Values with spaces and quotes reach the command as they were written."""
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$SITE_URL" "$DEFAULT_FROM_EMAIL" "$@"\n')
    python.chmod(0o755)
    (checkout / "var").mkdir()
    (checkout / "var" / "env").write_text(
        "SITE_URL=http://localhost:8000\nDEFAULT_FROM_EMAIL='Ann O'\"'\"'Hara <a@b>'\n"
    )

    ended = run(checkout, "manage", "replay_orders", "my file.csv")

    assert ended.stdout.splitlines() == [
        "http://localhost:8000",
        "Ann O'Hara <a@b>",
        "manage.py",
        "replay_orders",
        "my file.csv",
    ]


def test_given_logs_then_an_unknown_name_is_answered_with_the_known_ones(checkout: Path) -> None:
    logs = checkout / "var" / "log"
    logs.mkdir(parents=True)
    for name in ("web", "worker-email"):
        (logs / f"{name}.log").touch()

    ended = run(checkout, "logs", "weeb")

    assert ended.returncode == 1
    assert "web worker-email" in ended.stderr


@pytest.mark.parametrize("script", ["run", ".ci/run"])
def test_given_a_script_then_its_shell_can_parse_it(script: str) -> None:
    path = ROOT / script
    shell = path.read_text().splitlines()[0].removeprefix("#!").removeprefix("/usr/bin/env ")

    assert path.stat().st_mode & 0o111
    subprocess.run([shell, "-n", path], check=True)


def test_given_the_makefile_then_each_target_is_explained_and_calls_what_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: ([a-z-]+)$", makefile, re.MULTILINE)

    for target in targets:
        assert re.search(rf"^{target}:  ## \S", makefile, re.MULTILINE), target
    for command in re.findall(r"^\t\./run ([a-z]+)", makefile, re.MULTILINE):
        assert command in COMMANDS


def test_given_no_folder_then_servers_asks_for_one(checkout: Path) -> None:
    ended = run(checkout, "servers")

    assert ended.returncode == 1
    assert "./run servers ../mine/var" in ended.stderr
