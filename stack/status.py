"""`./run status`: what runs and where."""

from __future__ import annotations

from stack.layout import Layout
from stack.machine import Machine
from stack.terminal import line, say


def status(layout: Layout) -> bool:
    """Print what runs and where. Whether everything does."""
    machine = Machine(layout, only_looks=True)
    if not layout.environment.exists():
        say("Never started. Start it with ./run up")
        return False
    fine = True
    for server in machine.own_servers:
        fine &= server.running
        line(server.name, "running" if server.running else "stopped", f"port {server.port}")
    states = machine.supervisor.states()
    for program in machine.programs:
        active = states.get(program.name) == "active"
        fine &= active
        pids = machine.supervisor.pids(program.name) if active else []
        where = f"port {program.port}" if program.port else ""
        line(program.name, states.get(program.name, "stopped"), where, *(f"pid {p}" for p in pids))
    return fine
