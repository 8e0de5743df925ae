"""What we remember of a supplier's feed, so that we ask only for what is new.

The marks count for the settings they were read with, and for a day: then the whole feed is read
again, since what its rows meant may have changed here. A product that was unknown may be sold now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from inventory.models import Supplier

READ_ALL_AFTER = timedelta(days=1)
SETTINGS = (
    "kind", "feed_format", "feed_url", "since_parameter", "credential", "sku_field",
    "quantity_field", "as_of_field", "safety_buffer",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Marks:
    """To be kept by `save_marks` once the rows are merged. Simple values only: a run that is held
    may store them (`dataclasses.asdict`) until somebody decides."""

    settings: str = ""
    """Which settings of the supplier they belong to."""
    etag: str = ""
    last_modified: str = ""
    cursor: str = ""
    is_full: bool = True
    """Whether the whole feed was asked for, and not only what changed."""
    delivery_id: int | None = None
    """The file or push that was read."""


def settings_of(supplier: Supplier) -> str:
    told = repr([str(getattr(supplier, name)) for name in SETTINGS])
    return sha256(told.encode()).hexdigest()


def known(supplier: Supplier, *, now: datetime) -> Marks:
    """The marks that still count; empty ones ask for everything."""
    settings, read = settings_of(supplier), supplier.full_read_at
    if read is None or supplier.marks_for != settings or not now - READ_ALL_AFTER < read <= now:
        return Marks(settings=settings)
    return Marks(
        settings=settings,
        etag=supplier.etag,
        last_modified=supplier.last_modified,
        cursor=supplier.cursor,
        is_full=False,
    )


def keep(supplier: Supplier, marks: Marks, *, now: datetime) -> None:
    values: dict[str, object] = {
        "marks_for": marks.settings,
        "etag": marks.etag[:200],
        "last_modified": marks.last_modified[:100],
        "cursor": marks.cursor,
    }
    if marks.is_full:
        values["full_read_at"] = now
    Supplier.objects.filter(pk=supplier.pk).update(**values)


def forget(supplier_ids: list[int]) -> None:
    """The next sync reads everything, as a person who asks for one expects."""
    Supplier.objects.filter(pk__in=supplier_ids).update(full_read_at=None)
