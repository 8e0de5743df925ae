"""What a run would do, found out before any of it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from inventory import policy, runs
from inventory.feeds.rows import MAX_SKEW
from inventory.models import DEFAULT_LOCATION, Supplier, SyncRow, SyncRun
from inventory.policy import Limits, Plan
from inventory.statements import SQL


@dataclass(frozen=True)
class Meant:
    """What one row would do to the stock as it is now; `verdict` is a `snapshots.Verdict`'s value.

    Without a `stock_id` the product has no stock yet.
    """

    number: int
    line: int
    sku: str
    stock_id: int | None
    on_hand: int
    change: int
    meant: int
    verdict: str


def check(run: SyncRun, supplier: Supplier) -> bool:
    """Mark the rows that can't be used and plan the rest; whether the run may go ahead.

    If not, it is held. Raises `RunEnded`.
    """
    with transaction.atomic():
        SQL.run("without_jit", {})
        runs.lock(run)
        _mark_unusable(run, supplier)
        plan = plan_of(run)
        problems = policy.problems(plan, _limits(supplier))
        if problems:
            runs.hold(run, plan, problems)
        else:
            runs.checked(run, plan)
        runs.keep_errors(run, SyncRow.objects.filter(run=run).exclude(error=""))
    return not problems


def plan_of(run: SyncRun) -> Plan:
    """What merging the run's rows would do to the stock as it is now."""
    names = Plan.__dataclass_fields__
    row = SQL.fetch_all("plan", whole(run))[0]
    return Plan(**dict(zip(names, row, strict=True)))


def merges_of(
    run: SyncRun, *, after: int = 0, limit: int = 1000, unchanged_too: bool = True
) -> list[Meant]:
    """What rows with a higher number than `after` would do, in their order; at most `limit`."""
    asked = {**whole(run), "after": after, "limit": limit, "all": unchanged_too}
    return [Meant(*row) for row in SQL.fetch_all("merges_of", asked)]


def whole(run: SyncRun) -> dict[str, object]:
    """The parameters of a statement about all rows of a run."""
    return {
        "run_id": run.pk,
        "after": 0,
        "last": run.rows_staged,
        "location": DEFAULT_LOCATION,
    }


def _mark_unusable(run: SyncRun, supplier: Supplier) -> None:
    now = timezone.now()
    oldest = now - timedelta(hours=supplier.max_age_hours)
    SQL.run("untimely_rows", {"run_id": run.pk, "oldest": oldest, "newest": now + MAX_SKEW})
    SQL.run("repeated_rows", {"run_id": run.pk})
    SQL.run("unknown_rows", {"run_id": run.pk})


def _limits(supplier: Supplier) -> Limits:
    return Limits(
        max_drop_percent=supplier.max_drop_percent,
        max_zeroed_percent=supplier.max_zeroed_percent,
        max_bad_percent=supplier.max_bad_percent,
        max_below_reserved=supplier.max_below_reserved,
    )
