"""Changing what is on hand for a reason of its own: a delivery, or a person who counted."""

from __future__ import annotations

from collections.abc import Callable

from inventory import generations
from inventory.errors import BelowReserved
from inventory.guard import all_written, guarded
from inventory.models import Product, StockMovement
from inventory.movements import check_reference, current_job_id
from inventory.shelves import Shelf, lock_shelves, open_shelves
from inventory.statements import SQL
from tasks import audit_log
from tasks.locks import Held

MAX_UNITS = 10**9  # of one change; more is a typing error, and sums stay far from bigint's end

Kind = StockMovement.Kind


def receive(
    *, product_id: int, quantity: int, reference: str, note: str = "", once: bool = False
) -> StockMovement:
    """Goods came in: `quantity` units (>= 1). Must not be called in a transaction.

    With `once`, a reference that was received for this product before changes nothing, and its
    movement is returned: for callers that may be repeated. Raises `Product.DoesNotExist`,
    ValueError, and the errors of the locks, after which nothing was written.
    """
    if quantity < 1:
        raise ValueError(f"A delivery has at least one unit, not {quantity!r}.")
    return _move(product_id, Kind.RECEIVED, quantity, reference, note, actor="", once=once)


def adjust(
    *,
    product_id: int,
    quantity: int,
    reference: str,
    note: str = "",
    actor: str,
    audited_as: str = "",
    once: bool = False,
) -> StockMovement:
    """Correct what is on hand by `quantity` units (signed, not 0). Otherwise like `receive`.

    With `audited_as` (`user:3`) the audit log gets an entry in the same transaction.
    Raises `BelowReserved` when less would be left than is promised to customers.
    """

    def audit(movement: StockMovement) -> None:
        if audited_as:
            audit_log.record(
                actor=audited_as,
                action="stock.adjust",
                subject=f"product:{product_id}",
                reason=note,
                details={"quantity": quantity, "movement": movement.pk},
            )

    return _move(
        product_id, Kind.ADJUSTED, quantity, reference, note, actor=actor, once=once, also=audit
    )


def _move(
    product_id: int,
    kind: Kind,
    quantity: int,
    reference: str,
    note: str,
    *,
    actor: str,
    once: bool,
    also: Callable[[StockMovement], None] = lambda _: None,
) -> StockMovement:
    """`also` is done in the transaction of a movement that is new."""
    check_reference(reference)
    if type(quantity) is not int or not 0 < abs(quantity) <= MAX_UNITS:
        raise ValueError(f"Units are whole numbers up to {MAX_UNITS:,} and not 0: {quantity!r}.")
    with guarded([product_id]) as held:
        shelf = _shelf(product_id)
        movement = _moved_before(shelf, kind, reference) if once else None
        if movement is None:
            values: dict[str, str | int] = {
                "kind": kind.value,
                "quantity": quantity,
                "reference": reference,
                "note": note[:200],
                "actor": actor,
            }
            movement = _write(shelf, held, values)
            also(movement)
    generations.renew_on_commit([product_id])
    return movement


def _shelf(product_id: int) -> Shelf:
    """The product's locked stock row; a new one for its first delivery."""
    open_shelves([product_id])
    shelf = lock_shelves([product_id]).get(product_id)
    if shelf is None:
        raise Product.DoesNotExist(f"There is no product {product_id}.")
    return shelf


def _moved_before(shelf: Shelf, kind: Kind, reference: str) -> StockMovement | None:
    return StockMovement.objects.filter(
        stock_id=shelf.stock_id, kind=kind, reference=reference
    ).first()


def _write(shelf: Shelf, held: Held, values: dict[str, str | int]) -> StockMovement:
    if shelf.on_hand + int(values["quantity"]) < shelf.reserved:
        raise BelowReserved(
            on_hand=shelf.on_hand + int(values["quantity"]), reserved=shelf.reserved
        )
    written = SQL.fetch_all(
        "move",
        {
            **values,
            "stock_id": shelf.stock_id,
            "token": held.token,
            "job_id": current_job_id(),
        },
    )
    all_written(1, len(written), held=held)
    return StockMovement.objects.get(pk=written[0][0])
