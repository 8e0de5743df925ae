"""`python -m bench.jobs`: what the job platform costs, beside plain Celery and Procrastinate.

Starts servers of its own, measures on them (`bench.comparing`) and removes them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from bench.beside import procrastinate_python
from bench.own_servers import HOME, manage


def main() -> int:
    options = _parser().parse_args()
    command = ["bench_jobs"]
    if options.markdown:
        command += ["--markdown", str(options.markdown.resolve())]
    if not options.without_procrastinate:
        command += _procrastinate()
    return manage(*command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run bench jobs", description=__doc__)
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="Write the table there too.")
    parser.add_argument(
        "--without-procrastinate", action="store_true", help="Don't install and measure it."
    )
    return parser


def _procrastinate() -> list[str]:
    try:
        return ["--procrastinate", str(procrastinate_python(HOME / "venv"))]
    except subprocess.CalledProcessError as error:
        print(f"Procrastinate can't be installed and is left out: {error.stderr[-500:]}")
        return []


if __name__ == "__main__":
    sys.exit(main())
