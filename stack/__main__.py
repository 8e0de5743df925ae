"""`python -m stack up|down|status|servers`: what `./run` calls once Python is there."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stack import private
from stack.down import down
from stack.errors import StackError
from stack.layout import Layout
from stack.status import status
from stack.up import up


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run", description="The shop on this one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start everything, then place real orders")
    starting.add_argument("--no-orders", action="store_true", help="only start")
    commands.add_parser("down", help="stop everything")
    commands.add_parser("status", help="what runs")
    servers = commands.add_parser("servers", help="servers for a project of your own")
    servers.add_argument("folder", type=Path, help="where their data and passwords are")
    servers.add_argument("--stop", action="store_true", help="stop them")
    options = parser.parse_args()
    layout = Layout()
    try:
        if options.command == "up":
            up(layout, orders=not options.no_orders)
        elif options.command == "down":
            down(layout)
        elif options.command == "servers":
            (private.stop if options.stop else private.start)(options.folder)
        else:
            return 0 if status(layout) else 1
    except StackError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, `head` or the like, has seen enough
        sys.stdout = sys.stderr
        return 0
    except KeyboardInterrupt:
        print("\nInterrupted. ./run up goes on, ./run down stops what runs.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
