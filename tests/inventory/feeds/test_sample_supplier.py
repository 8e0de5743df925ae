"""The sample supplier of `./run up`, read as a real one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from inventory.feeds import open_feed, save_marks
from inventory.models import Supplier
from stack.supplier import make_server, rows_of_file
from tests.inventory.feeds.reading import counts

pytestmark = pytest.mark.django_db


@pytest.fixture
def stock_list(tmp_path: Path) -> Path:
    path = tmp_path / "stock.csv"
    rows = [f"S-{number},{number},2026-01-0{number}T00:00:00+00:00" for number in range(1, 6)]
    path.write_text("\n".join(["sku,on_hand,as_of", *rows, ""]))
    return path


@pytest.fixture
def address(stock_list: Path) -> Iterator[str]:
    with make_server(partial(rows_of_file, stock_list), port=0) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def take(supplier: Supplier) -> list[tuple[int, str, int]] | None:
    """The rows, or None when nothing is new."""
    with open_feed(supplier) as feed:
        rows = counts(list(feed.rows))
    save_marks(supplier, feed.marks)
    supplier.refresh_from_db()
    return None if feed.not_modified else rows


def test_given_its_csv_when_read_twice_then_the_second_time_nothing_is_sent(
    address: str, stock_list: Path
) -> None:
    supplier = Supplier.objects.create(name="sample", feed_url=f"{address}/feed.csv")
    assert len(take(supplier) or []) == 5
    assert take(supplier) is None
    stock_list.write_text(stock_list.read_text().replace("S-5,5", "S-5,50"))
    assert (take(supplier) or [])[-1] == (6, "S-5", 50)


def test_given_its_json_when_read_then_pages_are_followed_and_only_news_come_later(
    address: str, stock_list: Path
) -> None:
    supplier = Supplier.objects.create(
        name="pages",
        feed_url=f"{address}/feed.json?per_page=2",
        feed_format="json",
        since_parameter="since",
    )
    assert take(supplier) == [(number, f"S-{number}", number) for number in range(1, 6)]
    assert take(supplier) == []
    with stock_list.open("a") as file:
        file.write("S-6,6,2026-01-06T00:00:00+00:00\n")
    assert take(supplier) == [(1, "S-6", 6)]
