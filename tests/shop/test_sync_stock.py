"""The command as people type it."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from inventory.models import Supplier, SyncRun
from tests.inventory import makers, syncing
from tests.inventory.syncing import feed, now
from tests.running import Runner

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def supplier(tmp_path: Path) -> Supplier:
    return syncing.supplier(tmp_path)


def sync_stock(*arguments: str, **options: object) -> str:
    output = StringIO()
    call_command("sync_stock", *arguments, stdout=output, **options)
    return output.getvalue()


def test_given_a_worker_when_started_then_the_job_is_watched_to_its_report(
    supplier: Supplier, runner: Runner
) -> None:
    runner.start_dispatcher()
    runner.start_worker(("stock",))
    mug, new = makers.product(on_hand=10), makers.product(on_hand=0)
    feed(supplier, (mug.sku, 9, now()), (new.sku, 3, now()))
    output = sync_stock("acme")
    assert "done" in output
    figures = [" ".join(line.split("│")[1:3]).split() for line in output.splitlines()]
    for expected in (["rows", "2"], ["added", "1"], ["changed", "1"], ["errors", "0"]):
        assert expected in figures
    assert SyncRun.objects.get().job_id is not None
    assert makers.shelf(mug) == (9, 0)


def test_given_now_when_started_then_no_worker_is_needed(supplier: Supplier) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 9, now()))
    output = sync_stock("acme", "--now")
    assert "Fetching the feed: 1 of 1" in output
    assert "Merging: 1 of 1" in output
    assert makers.shelf(mug) == (9, 0)


def test_given_a_suspicious_feed_when_synced_then_it_says_why_it_is_held(
    supplier: Supplier,
) -> None:
    mug = makers.product(on_hand=10)
    feed(supplier, (mug.sku, 1, now()))
    with pytest.raises(CommandError, match="held for a person") as error:
        sync_stock("acme", "--now")
    assert error.value.returncode == 2
    assert makers.shelf(mug) == (10, 0)


def test_given_no_worker_when_watched_then_it_gives_up_and_says_why(supplier: Supplier) -> None:
    with pytest.raises(CommandError, match="Is a worker of the queue stock running"):
        sync_stock("acme", stall_timeout=0.1)


def test_given_a_feed_that_is_gone_or_a_name_that_nobody_has_then_it_says_so(
    supplier: Supplier,
) -> None:
    with pytest.raises(CommandError, match="FeedUnavailable"):
        sync_stock("acme", "--now")
    with pytest.raises(CommandError, match="There are: acme"):
        sync_stock("other")
