from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path
from time import time

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from inventory.errors import FeedError, FeedInvalid, FeedUnavailable
from inventory.feeds import FeedRow, open_feed, save_marks, try_feed
from inventory.feeds.limits import SYNC
from inventory.models import Delivery, Supplier
from tasks.models import Job
from tests.inventory.feeds.reading import at, counts, read

pytestmark = pytest.mark.django_db

CSV = b"sku,quantity\nA-1,7\n"


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.SUPPLIER_FILES_DIR = str(tmp_path / "files")
    folder = tmp_path / "files" / "acme" / "in"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def supplier() -> Supplier:
    return Supplier.objects.create(name="acme", kind="folder", folder="acme/in", pattern="*.csv*")


def drop(folder: Path, name: str, content: bytes = CSV, *, age_s: float = 100) -> Path:
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (time() - age_s,) * 2)
    return path


def take(supplier: Supplier) -> list[tuple[int, str, int]] | None:
    """As a sync that ends well: the rows, or None when nothing waits."""
    with open_feed(supplier) as feed:
        rows = counts(list(feed.rows))
    save_marks(supplier, feed.marks)
    return None if feed.not_modified else rows


def test_given_dropped_files_when_synced_then_each_is_read_once_and_the_oldest_first(
    folder: Path, supplier: Supplier
) -> None:
    drop(folder, "b.csv", b"sku,quantity\nFIRST,1\n", age_s=300)
    drop(folder, "a.csv", b"sku,quantity\nTHIRD,3\n", age_s=100)
    drop(folder, "c.csv.gz", gzip.compress(b"sku,quantity\nSECOND,2\n"), age_s=200)
    taken = [take(supplier) for _ in range(4)]
    assert taken == [[(2, "FIRST", 1)], [(2, "SECOND", 2)], [(2, "THIRD", 3)], None]
    assert sorted(each.name for each in folder.iterdir()) == ["a.csv", "b.csv", "c.csv.gz"]


def test_given_a_file_without_times_when_read_then_its_time_of_change_counts(
    folder: Path, supplier: Supplier
) -> None:
    path = drop(folder, "a.csv")
    with open_feed(supplier) as feed:
        (row,) = feed.rows
    assert isinstance(row, FeedRow)
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    assert abs(row.as_of - written).total_seconds() < 0.001


def test_given_a_run_that_did_not_end_well_when_synced_again_then_it_is_the_same_file(
    folder: Path, supplier: Supplier
) -> None:
    drop(folder, "a.csv", age_s=200)
    drop(folder, "b.csv", b"sku,quantity\nB-2,2\n")
    for _ in range(2):
        with open_feed(supplier) as feed:  # and nobody saves its marks
            assert counts(list(feed.rows)) == [(2, "A-1", 7)]
    assert Delivery.objects.get().state == "waiting"


def test_given_a_file_that_is_replaced_when_synced_then_it_is_read_again(
    folder: Path, supplier: Supplier
) -> None:
    drop(folder, "stock.csv", age_s=200)
    take(supplier)
    drop(folder, "stock.csv", b"sku,quantity\nA-1,8\n", age_s=100)
    assert take(supplier) == [(2, "A-1", 8)]
    assert take(supplier) is None


@pytest.mark.parametrize(
    "name", ["a.csv.part", ".a.csv", "a.csv~", "a.csv.filepart", "A.CSV.TMP", "a.txt"]
)
def test_given_a_file_that_is_not_meant_when_synced_then_it_is_left_alone(
    folder: Path, supplier: Supplier, name: str
) -> None:
    drop(folder, name)
    assert take(supplier) is None


def test_given_a_file_that_may_still_be_written_when_synced_then_it_waits(
    folder: Path, supplier: Supplier
) -> None:
    path = drop(folder, "a.csv", age_s=2)
    assert take(supplier) is None
    os.utime(path, (time() - 100,) * 2)
    assert take(supplier) is not None


@pytest.mark.parametrize("content", [b"<html>", b"sku,price\n", gzip.compress(CSV * 50)[:30], b""])
def test_given_a_file_that_is_no_feed_when_synced_then_it_is_refused_and_the_next_asked_for(
    folder: Path, supplier: Supplier, content: bytes
) -> None:
    drop(folder, "a.csv", content, age_s=200)
    drop(folder, "b.csv", b"sku,quantity\nB-2,2\n")
    with pytest.raises(FeedInvalid) as caught:
        take(supplier)
    refused = Delivery.objects.get(name="a.csv")
    assert (refused.state, refused.error) == ("refused", str(caught.value))
    job = Job.objects.get(task="inventory.sync_supplier")
    assert job.args == [supplier.pk] and job.unique_key
    assert take(supplier) == [(2, "B-2", 2)]


def test_given_more_files_when_one_is_merged_then_a_job_for_the_next_is_enqueued(
    folder: Path, supplier: Supplier
) -> None:
    for number in range(3):
        drop(folder, f"{number}.csv", age_s=300 - number)
    take(supplier)
    assert Job.objects.filter(task="inventory.sync_supplier").count() == 1
    take(supplier)
    take(supplier)
    assert Job.objects.filter(task="inventory.sync_supplier").count() == 2


def test_given_a_look_at_the_feed_when_tried_then_nothing_is_remembered(
    folder: Path, supplier: Supplier
) -> None:
    drop(folder, "a.csv", b"sku,price\n")
    with pytest.raises(FeedInvalid), try_feed(supplier, SYNC) as feed:
        list(feed.rows)
    assert not Delivery.objects.exists()


# --- nothing outside


@pytest.mark.parametrize("name", ["..", "../..", "/etc", "acme/../..", "\0", "link"])
def test_given_a_folder_outside_when_synced_then_it_is_refused(
    folder: Path, supplier: Supplier, name: str
) -> None:
    (folder.parent.parent / "link").symlink_to("/etc")
    supplier.folder = name
    with pytest.raises(FeedInvalid):
        take(supplier)


def test_given_a_link_in_the_folder_when_synced_then_it_is_not_followed(
    folder: Path, supplier: Supplier, tmp_path: Path
) -> None:
    secret = drop(tmp_path, "secret.csv")
    (folder / "a.csv").symlink_to(secret)
    os.mkfifo(folder / "b.csv")
    assert take(supplier) is None


def test_given_no_such_folder_when_synced_then_it_may_be_tried_again(
    folder: Path, supplier: Supplier
) -> None:
    supplier.folder = "nobody"
    with pytest.raises(FeedUnavailable):
        take(supplier)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("file:///etc/passwd", FeedInvalid),
        ("file://{folder}/../../../secret.csv", FeedInvalid),
        ("file://{folder}/link.csv", FeedInvalid),
        ("file://{folder}/none.csv", FeedUnavailable),
        ("file://{folder}", FeedUnavailable),
        ("file://elsewhere/stock.csv", FeedInvalid),
        ("file:///%00", FeedError),
        ("file:", FeedInvalid),
    ],
)
def test_given_a_file_address_without_a_feed_when_read_then_it_is_refused(
    folder: Path, tmp_path: Path, url: str, error: type[FeedError]
) -> None:
    (folder / "link.csv").symlink_to(drop(tmp_path, "secret.csv"))
    with pytest.raises(error):
        read(at(url.format(folder=folder)))


def test_given_a_file_address_when_the_file_is_of_the_future_then_now_counts(folder: Path) -> None:
    path = drop(folder, "a.csv", age_s=-5000)
    (row,) = read(at(path.as_uri()))
    assert isinstance(row, FeedRow) and row.as_of <= timezone.now()
