"""The sample supplier over HTTP."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest

from stack.ports import LOOPBACK, free_port
from stack.supplier import Source, make_server, rows_of_file, rows_of_skus

Serve = Callable[[Source], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a source in the background; returns the address without the feed's name."""
    with ExitStack() as stack:

        def start(source: Source) -> str:
            server = stack.enter_context(make_server(source, port=free_port()))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://{LOOPBACK}:{server.server_port}"

        yield start


@pytest.fixture
def stock_list(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.csv"
    path.write_text("sku,name,stock\nGIFT-001,Holder,240\nGIFT-002,Hanger,0\n")
    return path


def test_given_skus_when_the_csv_feed_is_read_then_each_was_counted_just_now(serve: Serve) -> None:
    address = serve(partial(rows_of_skus, ["A", "B"], 7))

    answer = httpx.get(f"{address}/feed.csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["sku"], row["on_hand"]) for row in rows] == [("A", "7"), ("B", "7")]
    for row in rows:
        age = datetime.now(UTC) - datetime.fromisoformat(row["as_of"])
        assert timedelta(0) <= age < timedelta(minutes=1)


def test_given_a_catalogue_when_the_json_feed_is_read_then_it_has_the_stock_of_each(
    serve: Serve, stock_list: Path
) -> None:
    address = serve(partial(rows_of_file, stock_list))

    rows = httpx.get(f"{address}/feed.json?page=1").json()

    assert [(row["sku"], row["on_hand"]) for row in rows] == [("GIFT-001", 240), ("GIFT-002", 0)]


def test_given_an_edited_file_when_the_feed_is_read_again_then_it_has_the_edit(
    serve: Serve, tmp_path: Path
) -> None:
    path = tmp_path / "stock.json"
    path.write_text(json.dumps([{"sku": "A", "on_hand": 1, "as_of": "2026-01-02T03:04:05+00:00"}]))
    address = serve(partial(rows_of_file, path))
    assert httpx.get(f"{address}/feed.json").json()[0]["on_hand"] == 1

    path.write_text(json.dumps([{"sku": "A", "on_hand": 2, "as_of": "2026-01-03T03:04:05+00:00"}]))

    assert httpx.get(f"{address}/feed.json").json() == [
        {"sku": "A", "on_hand": 2, "as_of": "2026-01-03T03:04:05+00:00"}
    ]


def test_given_a_file_that_broke_meanwhile_when_read_then_503_and_no_half_feed(
    serve: Serve, stock_list: Path
) -> None:
    address = serve(partial(rows_of_file, stock_list))

    stock_list.write_text("sku,stock\nA,1\nB,many\n")

    assert httpx.get(f"{address}/feed.csv").status_code == 503


def test_given_another_path_when_asked_then_404(serve: Serve) -> None:
    assert httpx.get(serve(list) + "/").status_code == 404


@pytest.mark.parametrize("arguments", [("--file", "/no/such/file.csv"), ("--file", __file__)])
def test_given_no_stock_list_when_started_then_one_sentence_says_so(
    arguments: tuple[str, ...],
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "stack.supplier", "--port", str(free_port()), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("The supplier can't start: ")
    assert "Traceback" not in ended.stderr
