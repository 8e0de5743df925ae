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
from urllib.parse import urljoin

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


def test_given_an_unchanged_file_when_the_feed_is_read_with_its_etag_then_it_is_not_sent(
    serve: Serve, tmp_path: Path
) -> None:
    path = tmp_path / "stock.csv"
    path.write_text("sku,on_hand,as_of\nA,1,2026-01-02T03:04:05+00:00\n")
    address = serve(partial(rows_of_file, path)) + "/feed.csv"
    etag = httpx.get(address).headers["etag"]

    again = httpx.get(address, headers={"If-None-Match": etag})
    path.write_text("sku,on_hand,as_of\nA,2,2026-01-03T03:04:05+00:00\n")
    edited = httpx.get(address, headers={"If-None-Match": etag})

    assert (again.status_code, again.content) == (304, b"")
    assert (edited.status_code, edited.headers["etag"] != etag) == (200, True)


def test_given_pages_when_followed_then_all_comes_and_the_cursor_leaves_it_out(
    serve: Serve, tmp_path: Path
) -> None:
    path = tmp_path / "stock.csv"
    rows = [f"S-{number},{number},2026-01-0{number}T00:00:00+00:00" for number in range(1, 6)]
    path.write_text("\n".join(["sku,on_hand,as_of", *rows, ""]))
    address = serve(partial(rows_of_file, path)) + "/feed.json?per_page=2"

    pages = [httpx.get(address).json()]
    while following := pages[-1]["next"]:
        pages.append(httpx.get(urljoin(address, following)).json())

    assert [[row["sku"] for row in page["products"]] for page in pages] == [
        ["S-1", "S-2"], ["S-3", "S-4"], ["S-5"],
    ]  # fmt: skip
    cursor = pages[-1]["cursor"]
    news = httpx.get(address, params={"per_page": 2, "since": cursor}).json()
    assert (news["products"], news["next"], news["cursor"]) == ([], None, cursor)


@pytest.mark.parametrize("query", ["per_page=0", "per_page=x", "per_page=2&since=soon"])
def test_given_a_query_without_sense_when_asked_then_400(serve: Serve, query: str) -> None:
    address = serve(partial(rows_of_skus, ["A"], 1))
    assert httpx.get(f"{address}/feed.json?{query}").status_code == 400


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
