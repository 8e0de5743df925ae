"""`python -m bench.jobs`: what the job platform costs, beside plain Celery and Procrastinate.

Starts servers of its own, measures on them (`bench.comparing`) and removes them.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
from pathlib import Path

from bench.beside import ROOT, procrastinate_python
from bench.servers import durable_servers
from stack.errors import StackError

HOME = ROOT / "var" / "bench"


def main() -> int:
    options = _parser().parse_args()
    command = [sys.executable, "manage.py", "bench_jobs"]
    if options.markdown:
        command += ["--markdown", str(options.markdown.resolve())]
    if not options.without_procrastinate:
        command += _procrastinate()
    print("Starting servers", flush=True)
    try:
        with durable_servers(HOME) as servers:
            return subprocess.run(
                command, cwd=ROOT, env=_environment(servers.environment), check=False
            ).returncode
    except StackError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run bench jobs", description=__doc__)
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="Write the table there too.")
    parser.add_argument(
        "--without-procrastinate", action="store_true", help="Don't install and measure it."
    )
    return parser


def _environment(addresses: dict[str, str]) -> dict[str, str]:
    return {
        **os.environ,
        **addresses,
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "DJANGO_SECRET_KEY": secrets.token_hex(40),
    }


def _procrastinate() -> list[str]:
    try:
        return ["--procrastinate", str(procrastinate_python(HOME / "venv"))]
    except subprocess.CalledProcessError as error:
        print(f"Procrastinate can't be installed and is left out: {error.stderr[-500:]}")
        return []


if __name__ == "__main__":
    sys.exit(main())
