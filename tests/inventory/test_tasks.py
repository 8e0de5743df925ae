from __future__ import annotations

from pathlib import Path

import pytest
from django.db import transaction

from inventory import jobs, tasks
from inventory.errors import FeedInvalid, FeedUnavailable, RunEnded, SupplierDisabled, SyncGoesOn
from inventory.models import Supplier
from tasks.locks import LockTimeout
from tasks.models import Job
from tests.inventory import makers

pytestmark = pytest.mark.django_db


def supplier(name: str, **values: object) -> Supplier:
    return Supplier.objects.create(
        **{"name": name, "feed_url": "http://supplier.example/stock.csv", **values}
    )


def test_given_a_sync_that_waits_when_asked_for_again_then_it_is_the_same_job() -> None:
    acme, other = supplier("acme"), supplier("other")
    first = jobs.enqueue_sync(acme.pk)
    assert jobs.enqueue_sync(acme.pk) == first
    assert tasks.sync_supplier.delay(acme.pk).id == first
    assert jobs.enqueue_sync(other.pk) != first
    job = Job.objects.get(pk=first)
    assert (job.queue, job.subject) == ("stock", f"supplier:{acme.pk}")


def test_given_a_caller_that_rolls_back_when_a_sync_was_asked_for_then_there_is_none() -> None:
    acme = supplier("acme")
    with transaction.atomic():
        jobs.enqueue_sync(acme.pk)
        transaction.set_rollback(True)
    assert not Job.objects.exists()


def test_given_suppliers_when_all_are_to_be_synced_then_the_enabled_ones_are() -> None:
    acme, _ = supplier("acme"), supplier("off", is_enabled=False)
    assert tasks.sync_all_suppliers() == 1
    assert Job.objects.get().args == [acme.pk]


@pytest.mark.django_db(transaction=True)
def test_given_a_feed_when_the_task_runs_then_it_answers_what_became_of_it(tmp_path: Path) -> None:
    mug = makers.product(on_hand=10)
    path = tmp_path / "feed.csv"
    path.write_text(f"sku,quantity\n{mug.sku},7\nNOBODY,1\n")
    acme = supplier("acme", feed_url=path.as_uri(), max_bad_percent=50)
    result = tasks.sync_supplier(acme.pk)
    assert {**result, "run": 0} == {
        "run": 0, "state": "done", "added": 0, "changed": 1, "unchanged": 0, "outdated": 0,
        "failed": 1,
    }  # fmt: skip


def test_given_expired_reservations_when_tidied_then_all_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "BATCH", 2)
    mugs = [makers.product() for _ in range(5)]
    for number, mug in enumerate(mugs):
        makers.reserve(f"order:{number}", mug, ttl_s=0)
    assert tasks.release_expired_reservations() == 5
    assert {makers.shelf(mug) for mug in mugs} == {(10, 0)}


@pytest.mark.parametrize(
    "error",
    [FeedInvalid("page"), RunEnded("other"), SupplierDisabled("off"), Supplier.DoesNotExist()],
)
def test_given_what_another_try_cannot_mend_when_a_sync_fails_then_it_is_final(
    error: Exception,
) -> None:
    assert tasks.SYNC.wait_s(error, failures=1, age_s=0) is None


def test_given_what_may_pass_when_a_sync_fails_then_it_is_tried_again() -> None:
    assert tasks.SYNC.wait_s(FeedUnavailable("down"), failures=1, age_s=0) is not None
    assert tasks.SYNC.wait_s(LockTimeout("busy"), failures=20, age_s=0) is not None
    assert tasks.SYNC.wait_s(SyncGoesOn("other"), failures=20, age_s=0) is not None
    patient = FeedUnavailable("busy", retry_after_s=120)
    assert tasks.SYNC.wait_s(patient, failures=1, age_s=0) == 120
