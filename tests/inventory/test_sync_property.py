"""Whatever happens to a set of feed files on their way, the stock ends as if nothing had happened.

Files come in any order, some several times; syncs die before or after any chunk and are gone on
with, or left for good and the file comes again; and all the while goods are sold and delivered.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from django.db.models import Sum
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import merging, reservations, stock
from inventory.models import Product, StockMovement, Supplier, SyncRun
from tests.inventory import makers, syncing

PRODUCTS = 4
FIRST_UNITS = 100

KEYS = st.integers(0, PRODUCTS - 1)


@dataclass(frozen=True)
class Trade:
    """Units that come (> 0) or are sold (< 0)."""

    product: int
    units: int


@dataclass(frozen=True)
class Delivery:
    """A file comes; its sync may die at a chunk. `file` counts round, past the last one."""

    file: int
    dies_at: int | None
    after_commit: bool
    gone_on_with: bool


TRADES = st.builds(Trade, KEYS, st.sampled_from([-3, -2, -1, 1, 4]))
COUNTS = st.dictionaries(KEYS, st.integers(40, 60), min_size=1)
DELIVERIES = st.builds(
    Delivery, st.integers(0, 9), st.none() | st.integers(0, 3), st.booleans(), st.booleans()
)
HISTORIES = st.lists(TRADES | COUNTS, min_size=1, max_size=10)
ARRIVALS = st.lists(TRADES | DELIVERIES, max_size=8)

_numbers = itertools.count(1)


@pytest.mark.django_db(transaction=True)
@settings(max_examples=18, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=HISTORIES, arrivals=ARRIVALS, last=st.permutations(range(10)))
def test_whatever_happens_to_the_files_the_stock_ends_as_in_the_ideal_order(
    tmp_path_factory: pytest.TempPathFactory,
    history: list[Trade | dict[int, int]],
    arrivals: list[Trade | Delivery],
    last: list[int],
) -> None:
    shop = Shop(tmp_path_factory.mktemp("feeds"))
    for event in history:
        if isinstance(event, Trade):
            shop.trade(event)
        else:
            shop.count(event)
    with override_settings(SYNC_CHUNK_ROWS=1):
        for arrival in arrivals:
            if isinstance(arrival, Trade):
                shop.trade(arrival)
            else:
                shop.deliver(arrival)
        for file in last:  # in the end every file has come, in whatever order
            shop.deliver(Delivery(file, None, after_commit=False, gone_on_with=False))
    shop.assert_ideal()


class Died(BaseException):
    """What a killed worker is to its own process."""


class Shop:
    def __init__(self, folder: Path) -> None:
        self.products = [makers.product(on_hand=FIRST_UNITS) for _ in range(PRODUCTS)]
        self.supplier: Supplier = syncing.supplier(
            folder, name=f"s{next(_numbers)}", **syncing.TRUSTED
        )
        self.files: list[tuple[datetime, dict[int, int]]] = []

    def trade(self, trade: Trade) -> None:
        product, reference = self.products[trade.product], f"trade:{next(_numbers)}"
        if trade.units > 0:
            stock.receive(product_id=product.pk, quantity=trade.units, reference=reference)
        else:
            makers.reserve(reference, product, quantity=-trade.units)
            assert reservations.commit(reference=reference)

    def count(self, quantities: dict[int, int]) -> None:
        self.files.append((syncing.now(), quantities))

    def deliver(self, delivery: Delivery) -> None:
        if not self.files:
            return
        as_of, quantities = self.files[delivery.file % len(self.files)]
        lines = [(self.products[key].sku, units, as_of) for key, units in quantities.items()]
        syncing.feed(self.supplier, *lines)
        try:
            with dying(delivery):
                syncing.run_sync(self.supplier)
        except Died:
            if not delivery.gone_on_with:
                SyncRun.objects.filter(state="running").update(state="failed")
                return
            assert syncing.run_sync(self.supplier).state == "done"
        assert SyncRun.objects.first().state == "done"  # type: ignore[union-attr]

    def assert_ideal(self) -> None:
        makers.assert_sums(self.products)
        found = [makers.shelf(product)[0] for product in self.products]
        assert found == [self.ideal(key, product) for key, product in enumerate(self.products)]

    def ideal(self, key: int, product: Product) -> int:
        """The newest count of it, and all that really moved afterwards."""
        moved = StockMovement.objects.filter(stock__product=product).exclude(kind="synced")
        counts = [(as_of, counted[key]) for as_of, counted in self.files if key in counted]
        units = 0
        if counts:
            as_of, units = max(counts)
            moved = moved.filter(created_at__gt=as_of)
        return units + (moved.aggregate(units=Sum("quantity"))["units"] or 0)


@contextmanager
def dying(delivery: Delivery) -> Iterator[None]:
    """The sync dies at a chunk, before or after its commit."""
    merge_chunk, calls = merging.merge_chunk, itertools.count()

    def die(run: SyncRun, *, last: int) -> None:
        dies = next(calls) == delivery.dies_at
        if dies and not delivery.after_commit:
            raise Died
        merge_chunk(run, last=last)
        if dies:
            raise Died

    with patch("inventory.sync.merge_chunk", die):
        yield
