"""Rows that refuse a writer who has lost its lock.

No lock in the world keeps a stopped process from waking up after its lock has expired and going on.
So the row itself decides: it remembers the largest token that wrote it, and a smaller one is stale.
https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models

from tasks.locks.errors import StaleFence

Row = TypeVar("Row", bound=models.Model)


class Fenced(models.Model):
    """Mixin of a model whose rows are written only under a lock."""

    fence = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Token of the newest lock holder that wrote the row."
    )

    class Meta:
        abstract = True


def fenced_update(queryset: models.QuerySet[Row], *, token: int, **values: Any) -> int:
    """`queryset.update(...)` by the holder of `token`; how many rows were written.

    Every row of the queryset is written, or it raises `StaleFence`: a newer holder has been at
    one of them. Then some may have been written, so call it inside a transaction and let it roll
    back. Conditions in the queryset that a concurrent writer may change look like staleness only
    when `fence` made the difference.
    """
    written = queryset.filter(fence__lte=token).update(fence=token, **values)
    stale = queryset.filter(fence__gt=token).first()
    if stale is not None:
        raise StaleFence(f"{stale!r} was written by a newer holder than token {token}.")
    return written
