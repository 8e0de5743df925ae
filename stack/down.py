"""`./run down`: front, workers, what they talk to, servers; each waits for the one before."""

from __future__ import annotations

from stack.layout import Layout
from stack.machine import Machine
from stack.services import together
from stack.supervisor import orphans
from stack.terminal import say


def down(layout: Layout) -> None:
    """Harmless when nothing runs. Raises `StackError`."""
    machine = Machine(layout, only_looks=True)
    with machine.alone():
        if machine.supervisor.process is not None or orphans(layout.var):
            say("Stopping the shop; workers finish or give back the jobs they have")
            machine.supervisor.stop(machine.programs)
        running = [server for server in machine.services if server.running]
        if running:
            say("Stopping " + ", ".join(server.name for server in running))
            together(running, "stop")
    say("Nothing of this shop runs any more. Its data stays.")
