"""The admin's page that looks at a supplier's feed: its first rows and what is wrong with them.

It reads as a sync does, with the same limits but the time, merges nothing and remembers nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, render

from inventory.errors import FeedError
from inventory.feeds import BadRow, FeedRow, try_feed
from inventory.feeds.limits import TRIAL
from inventory.models import Supplier

PERMISSION = "inventory.sync_stock"
SHOWN = 20


@dataclass(kw_only=True)
class Trial:
    """What a look at the feed found."""

    good: list[FeedRow] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    total: int = 0
    error: str = ""
    """Why it is no feed, if so."""

    def add(self, row: FeedRow | BadRow) -> None:
        if isinstance(row, FeedRow):
            self.good.append(row)
        else:
            self.bad.append(row)


def look(supplier: Supplier) -> Trial:
    """The first rows. Takes some 20 seconds at the most."""
    trial = Trial()
    try:
        with try_feed(supplier, TRIAL) as feed:
            trial.total = feed.total
            for row in islice(feed.rows, SHOWN):
                trial.add(row)
    except FeedError as error:
        trial.error = str(error)
    return trial


def trial_page(request: HttpRequest, supplier_id: int, *, site: AdminSite) -> HttpResponse:
    """By POST only: it asks another server. With the permission `inventory.sync_stock`."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    supplier = get_object_or_404(Supplier, pk=supplier_id)
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": f"The feed of {supplier}",
        "supplier": supplier,
        "trial": look(supplier),
    }
    return render(request, "inventory/admin/trial.html", context)
