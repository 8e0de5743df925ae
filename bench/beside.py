"""The environment of Procrastinate, which is measured beside ours but is no part of the project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements-bench.txt"


def procrastinate_python(home: Path) -> Path:
    """The Python of a virtual environment with `requirements-bench.txt`, made if it isn't there.

    Raises `subprocess.CalledProcessError` when it can't be installed.
    """
    python = home / "bin" / "python"
    done = home / "installed.txt"
    if done.exists() and done.read_text() == REQUIREMENTS.read_text():
        return python
    _run([sys.executable, "-m", "venv", "--clear", str(home)])
    _run([str(python), "-m", "pip", "-q", "install", "--require-hashes", "-r", str(REQUIREMENTS)])
    done.write_text(REQUIREMENTS.read_text())
    return python


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
