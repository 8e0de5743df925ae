"""What the inventory's tests are made of, and the sums that must always hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import count
from threading import Thread
from typing import Any

from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from inventory import generations, reservations, stock
from inventory.models import Product, Reservation, Stock, StockMovement
from inventory.reservations import Wanted

_numbers = count(1)


def product(*, on_hand: int = 10, **values: Any) -> Product:
    """A new product with its stock received."""
    number = next(_numbers)
    made = Product.objects.create(
        **{"sku": f"SKU-{number}", "name": f"Mug {number}", "price_minor": 250, **values}
    )
    # An earlier run's tables, on the same Redis, had other products under these ids.
    forget_availability([made])
    if on_hand:
        stock.receive(product_id=made.pk, quantity=on_hand, reference="delivery:1")
    return made


def reserve(
    reference: str, *products: Product, quantity: int = 2, ttl_s: float = reservations.TTL_S
) -> None:
    wanted = [Wanted(product_id=each.pk, quantity=quantity) for each in products]
    reservations.reserve(reference=reference, wanted=wanted, ttl_s=ttl_s)


def shelf(product: Product) -> tuple[int, int]:
    """(on hand, reserved)"""
    row = Stock.objects.get(product=product)
    return row.on_hand, row.reserved


def states(reference: str) -> list[str]:
    rows = Reservation.objects.filter(reference=reference).order_by("stock_id")
    return list(rows.values_list("state", flat=True))


def moved(product: Product, kind: str) -> int:
    """Units, signed, of all movements of a kind."""
    movements = StockMovement.objects.filter(stock__product=product, kind=kind)
    return movements.aggregate(units=Sum("quantity"))["units"] or 0


def expire(reference: str) -> None:
    """The reference's time is over."""
    Reservation.objects.filter(reference=reference, state="held").update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )


def forget_availability(products: Iterable[Product]) -> None:
    """As if what the cache knows had run out."""
    generations.renew(each.pk for each in products)


def assert_sums(products: Iterable[Product]) -> None:
    """on_hand is the sum of the movements, reserved that of what is held, nothing is oversold."""
    for row in Stock.objects.filter(product__in=list(products)):
        movements = row.movements.aggregate(units=Sum("quantity"))["units"] or 0
        held = row.reservations.filter(state="held").aggregate(units=Sum("quantity"))["units"] or 0
        assert row.on_hand == movements
        assert row.reserved == held
        assert 0 <= row.reserved <= row.on_hand


def at_once(*bodies: Callable[[], object]) -> list[BaseException]:
    """Run them in threads, each with its own connection; the errors that came out."""
    errors: list[BaseException] = []

    def run(body: Callable[[], object]) -> None:
        try:
            body()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=[body]) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return errors
