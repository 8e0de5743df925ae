"""A breach: what should be, what is, and who is to blame."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse

PAGES = {
    "order": "admin:orders_order_change",
    "stock": "admin:inventory_stock_change",
    "product": "admin:inventory_product_change",
    "movement": "admin:inventory_stockmovement_change",
    "sync": "admin:inventory_syncrun_change",
    "supplier": "admin:inventory_supplier_change",
    "job": "admin:tasks_job_change",
    "effect": "admin:tasks_effect_change",
}
"""The admin's page for each kind of subject; the provider's records have none."""

STUCK = "stuck"


@dataclass(frozen=True, kw_only=True)
class Breach:
    """One row that breaks an invariant. Holds ids, states and numbers, never personal data."""

    invariant: str
    subject: str
    """What is wrong: order:42, stock:7, job:<uuid>, effect:9, …"""

    expected: str
    found: str
    job_id: UUID | None
    """The job that caused it, as far as the records tell."""

    attempt: int | None
    """The attempt of that job."""

    @property
    def is_stuck(self) -> bool:
        """Nothing is lost or doubled: something waits for a person, its job being dead."""
        return self.found.startswith(STUCK)

    @property
    def link(self) -> str:
        """Path of the subject's page in the admin, or nothing."""
        return page_of(self.subject)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "job_id": self.job_id and str(self.job_id), "link": self.link}


def page_of(subject: str) -> str:
    """Path of a subject's page in the admin; nothing for what has none."""
    kind, _, key = subject.partition(":")
    return reverse(PAGES[kind], args=[key]) if kind in PAGES and key else ""
