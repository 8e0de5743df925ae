"""Real workers that are killed in the middle of a sync."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from django.db import connection

from inventory.jobs import enqueue_sync
from inventory.models import Product, Stock, StockMovement, Supplier, SyncRun
from tasks.models import Job
from tests.inventory import syncing
from tests.inventory.web import Answer, SupplierSite
from tests.running import Runner

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.chaos]

PRODUCTS = 20_000
# After each the dead worker's locks have to run out, 30 s. Two are one fewer than make a job dead.
KILLS = 2 if "CHAOS_ROUNDS" in os.environ else 1
QUICK = {"JOBS_LEASE_S": "6", "JOBS_REPUBLISH_AFTER_S": "3"}


def test_given_workers_killed_in_mid_run_then_the_same_run_goes_on_and_fetches_nothing_again(
    runner: Runner, site: SupplierSite, wait_until: Callable[..., object]
) -> None:
    supplier = Supplier.objects.create(name="web", feed_url=site.url, **syncing.TRUSTED)
    site.answer = Answer(many_products(100, counted=97))
    runner.start_dispatcher(env=QUICK)
    worker = runner.start_worker(("stock",), env=QUICK)
    enqueue_sync(supplier.pk)
    places = [0]
    for _ in range(KILLS):
        wait_until(lambda: place() > places[-1], timeout_s=90, what="a chunk that is merged")
        worker.kill()
        places.append(place())
        assert SyncRun.objects.get().state == "running", "killed too late to say anything"
        worker = runner.start_worker(("stock",), env=QUICK)
    wait_until(lambda: SyncRun.objects.get().state == "done", timeout_s=120, what="the run's end")

    run, job = SyncRun.objects.get(), Job.objects.get()
    assert len(site.asked) == 1
    assert (run.rows_done, run.changed, run.failed) == (PRODUCTS, PRODUCTS, 0)
    assert run.job_id == job.pk and job.crashes == KILLS and run.epoch == 1 + KILLS
    assert places == sorted(places) and places[-1] < PRODUCTS
    assert set(Stock.objects.values_list("on_hand", flat=True)) == {97}
    synced = StockMovement.objects.filter(kind="synced")
    assert synced.count() == PRODUCTS  # each row once, whoever merged it
    assert set(synced.values_list("quantity", flat=True)) == {-3}


def place() -> int:
    return SyncRun.objects.values_list("rows_done", flat=True).first() or 0


def many_products(on_hand: int, *, counted: int) -> bytes:
    """Products with stock; a feed that counts a few less of each."""
    Product.objects.bulk_create(
        Product(sku=f"SKU-{number}", name="Mug", price_minor=250) for number in range(PRODUCTS)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH stocked AS (
              INSERT INTO inventory_stock (product_id, location, on_hand, reserved, fence)
              SELECT id, 'main', %(units)s, 0, 0 FROM inventory_product RETURNING id
            )
            INSERT INTO inventory_stockmovement
              (stock_id, kind, quantity, reference, note, actor, created_at)
            SELECT id, 'received', %(units)s, 'delivery:1', '', '', now() FROM stocked
            """,
            {"units": on_hand},
        )
    as_of = syncing.now().isoformat()
    rows = "".join(f"SKU-{number},{counted},{as_of}\n" for number in range(PRODUCTS))
    return f"sku,quantity,as_of\n{rows}".encode()
