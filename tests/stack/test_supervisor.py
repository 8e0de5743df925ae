"""circus with programs of the test's own: order of the end, restarts, and what a kill leaves."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack.layout import Layout
from stack.processes import Tracked
from stack.programs import Phase, Program
from stack.supervisor import Supervisor, configuration, orphans

PROGRAM = """
import os, signal, sys, time
def end(*_):
    with open(sys.argv[1], "a") as file:
        file.write(sys.argv[2] + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("started", sys.argv[2], os.environ.get("SECRET"), flush=True)
print("an error", file=sys.stderr, flush=True)
while True:
    time.sleep(60)
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A long path with a space in it, as people have."""
    root = tmp_path / ("a folder " + "x" * 100)
    root.mkdir()
    layout = Layout(root)
    layout.make()
    return layout


@pytest.fixture
def ended(tmp_path: Path) -> Path:
    """Where the programs write their names when they are asked to stop."""
    return tmp_path / "ended"


@pytest.fixture
def programs(tmp_path: Path, ended: Path) -> list[Program]:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    phases = {"sink": Phase.OUTSIDE, "worker": Phase.WORK, "web": Phase.FRONT}
    return [
        Program(name=name, phase=phase, command=[sys.executable, str(script), str(ended), name])
        for name, phase in phases.items()
    ]


@pytest.fixture
def supervisor(
    layout: Layout, programs: list[Program], wait_until: Callable[..., object]
) -> Iterator[Supervisor]:
    supervisor = Supervisor(layout)
    supervisor.start(programs, {"PATH": "/usr/bin:/bin", "SECRET": "hidden"})
    for program in programs:
        log = layout.logs / f"{program.name}.log"
        wait_until(lambda log=log: log.exists() and "started" in log.read_text())
    yield supervisor
    supervisor.stop(programs)


def test_given_programs_then_they_run_with_the_environment_and_log_both_outputs(
    supervisor: Supervisor, layout: Layout, wait_until: Callable[..., object]
) -> None:
    assert supervisor.states() == {"sink": "active", "worker": "active", "web": "active"}
    log = layout.logs / "web.log"
    wait_until(lambda: "started web hidden\nan error\n" in log.read_text())


def test_given_a_stop_then_the_front_ends_first_and_the_outside_last(
    supervisor: Supervisor, programs: list[Program], ended: Path
) -> None:
    supervisor.stop(programs)

    assert ended.read_text().split() == ["web", "worker", "sink"]
    assert supervisor.process is None
    assert supervisor.states() == {}


def test_given_a_program_that_dies_then_it_is_started_again(
    supervisor: Supervisor, wait_until: Callable[..., object]
) -> None:
    (before,) = supervisor.pids("worker")
    process = Tracked.of(before)
    assert process is not None

    process.send(signal.SIGKILL)

    wait_until(lambda: supervisor.pids("worker") not in ([], [before]))


def test_given_a_killed_circus_then_its_programs_are_found_and_stopped(
    supervisor: Supervisor, layout: Layout, programs: list[Program], ended: Path
) -> None:
    process = supervisor.process
    assert process is not None
    process.send(signal.SIGKILL)
    assert process.wait(10)
    assert len(orphans(layout.var)) == 3

    supervisor.stop(programs)

    assert sorted(ended.read_text().split()) == ["sink", "web", "worker"]
    assert orphans(layout.var) == []


def test_given_the_configuration_then_no_port_controls_circus(
    layout: Layout, programs: list[Program]
) -> None:
    """Whoever may talk to circus may run commands as us."""
    text = configuration(programs, layout)

    assert "tcp://" not in text
    assert text.count("ipc://") == 2
