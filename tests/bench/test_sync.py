"""That the benchmark of the stock sync works; what it measures here means nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from stack.layout import ROOT


def test_given_a_short_feed_when_measured_then_every_figure_is_there(tmp_path: Path) -> None:
    table = tmp_path / "table.md"
    ended = subprocess.run(
        [sys.executable, "-m", "bench.sync", "--rows", "2000", "--markdown", str(table)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = table.read_text()
    for measured in (
        "2,000 of 2,000 change",
        "0 of 2,000 change",
        "ORM loop",
        "peak memory",
        "reserving during the sync",
    ):
        assert measured in rows
