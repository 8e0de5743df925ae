"""Errors of the inventory."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.locks import StaleFence

__all__ = [
    "BelowReserved",
    "FeedError",
    "FeedInvalid",
    "FeedUnavailable",
    "InventoryError",
    "NotHeld",
    "OutOfStock",
    "ReferenceReused",
    "RunEnded",
    "StaleFence",
    "SupplierDisabled",
    "SyncGoesOn",
    "TooManyReturned",
]


class InventoryError(Exception):
    """Base of the inventory's errors."""


class OutOfStock(InventoryError):
    """Not everything that was wanted is there, so nothing was reserved.

    `shortages` maps each product's id that is short to the units that can be had. Tell the
    customer; trying again helps only when somebody else lets go.
    """

    def __init__(self, shortages: Mapping[int, int]) -> None:
        self.shortages = dict(shortages)
        left = ", ".join(f"product {key}: {units}" for key, units in self.shortages.items())
        super().__init__(f"Too few available ({left}).")


class ReferenceReused(InventoryError):
    """A reference reserved other goods before. A programming error: use a new reference."""


class TooManyReturned(InventoryError):
    """More units of a product were to come back than the reference had bought. Nothing was done."""


class BelowReserved(InventoryError):
    """The change would leave less on hand than is promised to customers. Nothing was done.

    Cancel some of the orders that hold the units first, or wait until they are settled.
    """

    def __init__(self, *, on_hand: int, reserved: int) -> None:
        self.on_hand = on_hand
        self.reserved = reserved
        super().__init__(
            f"{on_hand} on hand would be less than the {reserved} promised to customers."
        )


class SupplierDisabled(InventoryError):
    """A sync was asked of a supplier that is switched off. Enable it first."""


class SyncGoesOn(InventoryError):
    """Another sync of the supplier is under way. Nothing was done; come back later."""


class RunEnded(InventoryError):
    """A sync found its run ended, or gone on with by somebody else. Stop quietly."""


class NotHeld(InventoryError):
    """A run was to be approved or rejected that isn't held (any more). Nothing was done."""


class FeedError(InventoryError):
    """Base of what can be wrong with a supplier's feed as a whole."""


class FeedUnavailable(FeedError):
    """The feed can't be had at the moment: no connection, a server's error, no such file (yet).

    Nothing was merged. Let the job be retried.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class FeedInvalid(FeedError):
    """What came is no feed: an HTML page, a missing column, broken JSON, far too large.

    Trying again soon won't help; the supplier, or its settings here, must change.
    """
