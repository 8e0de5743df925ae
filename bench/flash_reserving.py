"""Ways to promise one unit of a crowded product, and a crowd that does nothing else.

Each way writes the same rows: the stock's `reserved` and a reservation, durably, before it returns.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import monotonic, perf_counter

from django.db import connection, connections, transaction

from inventory import reservations, serving, stock
from inventory.deciding import Wish
from inventory.guard import LOCK_TTL_S
from inventory.models import Product, Reservation, Stock
from inventory.reservations import Wanted
from tasks.locks import lock

CROWD_S = 3.0
START_S = 1.5
"""Time for all clients to connect before the first reservation, in seconds."""

PROCESSES = 8
PLENTY = 10**7
WAIT_S = 60.0

# What Saleor does: https://github.com/saleor/saleor/blob/main/saleor/warehouse/management.py
SELECT_FOR_UPDATE = "SELECT id, on_hand, reserved FROM inventory_stock WHERE id = %s FOR UPDATE"
UPDATE = "UPDATE inventory_stock SET reserved = reserved + 1 WHERE id = %s"
INSERT = """
INSERT INTO inventory_reservation
  (reference, stock_id, quantity, returned, state, created_at, expires_at)
VALUES (%s, %s, 1, 0, 'held', statement_timestamp(), statement_timestamp() + interval '15 minutes')
"""
IN_ONE_STATEMENT = """
WITH promised AS (
  UPDATE inventory_stock SET reserved = reserved + 1
  WHERE id = %(stock_id)s AND on_hand - reserved >= 1
  RETURNING id
)
INSERT INTO inventory_reservation
  (reference, stock_id, quantity, returned, state, created_at, expires_at)
SELECT %(reference)s, id, 1, 0, 'held', statement_timestamp(),
  statement_timestamp() + interval '15 minutes'
FROM promised
"""

_numbers = count(1)

Way = Callable[[Stock, str], None]
"""Promise one unit of the stock to the reference."""


def together(row: Stock, reference: str) -> None:
    """Ours: whoever has the lock serves all that wait."""
    reservations.reserve(reference=reference, wanted=[Wanted(row.product_id, 1)])


def one_by_one(row: Stock, reference: str) -> None:
    """Our lock, and everybody alone under it."""
    wish = Wish(reference, {row.product_id: 1}, reservations.TTL_S)
    with lock(f"stock:{row.product_id}", LOCK_TTL_S, WAIT_S) as held:
        serving.serve_all([row.product_id], held, [serving.pack(wish)])


def for_update(row: Stock, reference: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SELECT_FOR_UPDATE, [row.pk])
        _, on_hand, reserved = cursor.fetchone()
        if on_hand - reserved < 1:
            raise AssertionError("sold out in mid-measurement")
        cursor.execute(UPDATE, [row.pk])
        cursor.execute(INSERT, [reference, row.pk])


def by_condition(row: Stock, reference: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(IN_ONE_STATEMENT, {"stock_id": row.pk, "reference": reference})


def crowded_product() -> Stock:
    """A new product with more units than anybody can take."""
    number = next(_numbers)
    product = Product.objects.create(
        sku=f"BENCH-{time.time_ns()}-{number}", name="Crowded", price_minor=100
    )
    stock.receive(product_id=product.pk, quantity=PLENTY, reference="bench")
    return Stock.objects.get(product=product)


def reservations_per_s(way: Way, *, clients: int) -> float:
    """`clients` that reserve one unit each, again and again, spread over eight processes."""
    row = crowded_product()
    connections.close_all()
    context = get_context("fork")
    start = monotonic() + START_S
    pipes = []
    for number in range(PROCESSES):
        ours, theirs = context.Pipe()
        threads = clients // PROCESSES
        arguments = (way, row, number, threads, start, theirs)
        context.Process(target=_process, args=arguments, daemon=True).start()
        theirs.close()
        pipes.append(ours)
    counts = [pipe.recv() for pipe in pipes]
    told = sum(in_time + late for in_time, late in counts)
    held = Reservation.objects.filter(stock=row, state="held").count()
    row.refresh_from_db()
    if not told == held == row.reserved:
        raise AssertionError(f"{told} were told so, {held} are held, {row.reserved} counted")
    return float(sum(in_time for in_time, _ in counts) / CROWD_S)


def asked_per_s(*, waiting: int, asking_counts: bool) -> float:
    """`waiting` orders have asked when one comes to reserve, again and again, in one process."""
    row = crowded_product()
    seconds, made = 0.0, 0
    while seconds < CROWD_S:
        references = [f"bench:asked:{row.pk}:{next(_numbers)}" for _ in range(waiting)]
        started = perf_counter()
        for reference in references:
            reservations.ask(reference=reference, wanted=[Wanted(row.product_id, 1)])
        asked = perf_counter()
        together(row, references[0])
        seconds += perf_counter() - (started if asking_counts else asked)
        made += waiting
    held = Reservation.objects.filter(stock=row, state="held").count()
    if held != made:
        raise AssertionError(f"{made} asked, {held} are held")
    return made / seconds


def _process(
    way: Way, row: Stock, number: int, threads: int, start: float, pipe: Connection
) -> None:
    in_time, late = [0] * threads, [0] * threads

    def client(mine: int) -> None:
        connection.ensure_connection()
        time.sleep(max(start - monotonic(), 0))
        end = start + CROWD_S
        while monotonic() < end:
            way(row, f"bench:{row.pk}:{number}:{mine}:{in_time[mine]}")
            if monotonic() < end:
                in_time[mine] += 1
            else:
                late[mine] += 1
        connection.close()

    crowd = [threading.Thread(target=client, args=(mine,)) for mine in range(threads)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    pipe.send((sum(in_time), sum(late)))
