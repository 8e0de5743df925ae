"""The console's first page: what waits for a person, and how the jobs do."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from shop.console.attention import concerns
from tasks.console import overview


def context(request: HttpRequest, around: dict[str, Any]) -> dict[str, Any]:
    """What `shop/console/start.html` shows of what this person may see."""
    mine = [each for each in concerns() if request.user.has_perm(each.permission)]
    sees_jobs = request.user.has_perm(overview.PERMISSION)
    parts = overview.overview(request) if sees_jobs else {}
    return {**around, **parts, "concerns": mine, "sees_jobs": sees_jobs}
