"""The parts of `bench.sync`, each a process: it does one thing and says what came out, as JSON."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from operator import sub
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import django
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

django.setup()

from inventory import reservations  # noqa: E402
from inventory.errors import OutOfStock  # noqa: E402
from inventory.models import Product, Stock, StockMovement, Supplier, SyncRun  # noqa: E402
from inventory.reservations import Wanted  # noqa: E402
from inventory.sync import sync_supplier  # noqa: E402
from tasks.locks import LockError  # noqa: E402

FEED = Path(os.environ["BENCH_SYNC_FEED"])
ON_HAND = 100

SEED = """
INSERT INTO inventory_product
  (sku, name, description, price_minor, currency, is_active, created_at, updated_at)
SELECT 'SKU-' || lpad(n::text, 8, '0'), 'Mug ' || n, '', 250, 'GBP', true, now(), now()
FROM generate_series(1, %(rows)s) AS n;
INSERT INTO inventory_stock (product_id, location, on_hand, reserved, fence)
SELECT id, 'main', %(on_hand)s, 0, 0 FROM inventory_product;
INSERT INTO inventory_stockmovement
  (stock_id, kind, quantity, reference, note, actor, created_at)
SELECT id, 'received', on_hand, 'delivery:1', '', '', now() - interval '1 day'
FROM inventory_stock;
"""


def seed(rows: str, changed: str) -> dict[str, Any]:
    """Products with stock, and a feed in which so many per cent of them have a few less."""
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(SEED, {"rows": int(rows), "on_hand": ON_HAND})
        cursor.execute("VACUUM ANALYZE")
    as_of = timezone.now().isoformat()
    with FEED.open("w", newline="") as file:
        feed = csv.writer(file)
        feed.writerow(["sku", "quantity", "as_of"])
        for number in range(1, int(rows) + 1):
            less = 3 if number % 100 < int(changed) else 0
            feed.writerow([f"SKU-{number:08}", ON_HAND - less, as_of])
    Supplier.objects.create(name="bench", feed_url=FEED.as_uri())
    return {}


def sync() -> dict[str, Any]:
    began: dict[str, float] = {}
    busy: dict[str, tuple[float, float, float]] = {}
    chunks: list[float] = []
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid

    def tell(phase: SyncRun.Phase, done: int, total: int) -> None:
        now = time.perf_counter()
        if phase in began and phase == SyncRun.Phase.MERGE:
            chunks.append((now - began["chunk"]) * 1000)
        if phase not in began:
            began[phase] = now
            busy[phase] = busy_s(backend)
        began["chunk"] = now

    started = time.perf_counter()
    run = sync_supplier(supplier_id=Supplier.objects.get().pk, tell=tell)
    ended = time.perf_counter()
    busy["end"] = busy_s(backend)
    began["end"] = ended
    assert run.state == SyncRun.State.DONE, run.problems
    return {
        "rows": run.rows_done,
        "changed": run.changed,
        "per_s": run.rows_done / (ended - started),
        "processor_us": sum(map(sub, busy["end"], busy["fetch"])) / run.rows_done * 1e6,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "phases": {
            phase: {
                "s": round(began[then] - began[phase], 2),
                "worker_s": round(busy[then][0] - busy[phase][0], 2),
                "postgres_s": round(busy[then][1] - busy[phase][1], 2),
                "redis_s": round(busy[then][2] - busy[phase][2], 2),
            }
            for phase, then in pairwise(["fetch", "check", "merge", "end"])
        },
        "chunks": {"count": len(chunks), **_figures(chunks)},
    }


def buy(times: str) -> dict[str, Any]:
    """Reserve and let go of a unit, one product after another, so often or until terminated."""
    waits: list[float] = []
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    products = list(Product.objects.values_list("pk", flat=True)[:100_000])
    dice = Random(7)
    while not stopped and (times == "0" or len(waits) < int(times)):
        reference = f"bench:{os.getpid()}:{len(waits)}"
        started = time.perf_counter()
        with suppress(OutOfStock, LockError):
            wanted = [Wanted(product_id=dice.choice(products), quantity=1)]
            reservations.reserve(reference=reference, wanted=wanted)
        waits.append((time.perf_counter() - started) * 1000)
        reservations.release(reference=reference)
        time.sleep(0.02)  # a shop with some fifty orders a second at the most
    return {"count": len(waits), **_figures(waits)}


def loop(rows: str) -> dict[str, Any]:
    """As it is written without much thought: row by row, overwriting; not even exact."""
    started = time.perf_counter()
    with FEED.open(newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            if number == int(rows):
                break
            with transaction.atomic():
                stock = Stock.objects.select_for_update().get(product__sku=row["sku"])
                change = int(row["quantity"]) - 1 - stock.on_hand
                stock.on_hand += change
                stock.as_of = row["as_of"]
                stock.save()
                if change:
                    StockMovement.objects.create(
                        stock=stock, kind="synced", quantity=change, reference="loop:1"
                    )
    return {"per_s": int(rows) / (time.perf_counter() - started)}


def busy_s(backend: int) -> tuple[float, float, float]:
    """Processor time so far: this process's, that of its PostgreSQL backend, and Redis'."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        used: Any = client.info("cpu")
    spent = used["used_cpu_user"] + used["used_cpu_sys"]
    return time.process_time(), _processor_s(backend), spent


def _processor_s(pid: int) -> float:
    """Processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _figures(values: Sequence[float]) -> dict[str, float]:
    return {"p50_ms": round(median(values), 2), "longest_ms": round(max(values), 2)}


PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "seed": seed, "sync": sync, "buy": buy, "loop": loop,
}  # fmt: skip

if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]](*sys.argv[2:])))
