"""What is around every page of the operators' console: name, colours and the way to each page.

https://unfoldadmin.com/docs/configuration/settings/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.module_loading import import_string

# The storefront's plum, from light to dark; on white and on the dark ground text of it is readable.
PRIMARY = {
    "50": "oklch(97.6% .011 350)",
    "100": "oklch(94.8% .026 350)",
    "200": "oklch(89.5% .055 350)",
    "300": "oklch(82.5% .095 350)",
    "400": "oklch(75% .13 350)",
    "500": "oklch(70% .145 351)",
    "600": "oklch(46% .13 353)",
    "700": "oklch(41% .12 353)",
    "800": "oklch(36% .10 353)",
    "900": "oklch(31% .085 353)",
    "950": "oklch(22% .06 353)",
}


# The settings import this module, so its counts look for their models when they are shown.
COUNTED = 99
"""A badge counts no further, so that a page reads at most so many entries of a partial index."""


def _dead_jobs() -> str:
    dead = import_string("tasks.job_filter.JobFilter")(states=("dead",)).jobs()
    count = dead[: COUNTED + 1].count()
    return f"{COUNTED}+" if count > COUNTED else str(count or "")


def _unknown_effects() -> int:
    return int(import_string("tasks.inquiries.unknown")().count())


def _item(
    title: str, icon: str, page: str, permission: str, badge: Callable[[], int | str] | None = None
) -> dict[str, Any]:
    """An entry of the sidebar, for those who may open its page.

    `badge` counts what is wrong there; nothing is shown for none. The template calls it, unlike
    the import path that unfold's documentation has, which would show a nought as well.
    """

    link = reverse_lazy(f"admin:{page}")

    def may_open(request: HttpRequest) -> bool:
        return not permission or request.user.has_perm(permission)

    def is_open(request: HttpRequest) -> bool:
        return str(link) == _nearest(request.path)

    return {
        "title": title,
        "icon": icon,  # https://fonts.google.com/icons
        "link": link,
        "permission": may_open,
        "active": is_open,
        "badge": badge,
    }


def _nearest(path: str) -> str:
    """The link of the entry that a page belongs to: the longest that its address begins with."""
    links = [str(item["link"]) for group in NAVIGATION for item in group["items"]]
    return max((link for link in links if path.startswith(link)), key=len, default="")


def _group(title: str, *items: dict[str, Any], collapsible: bool = False) -> dict[str, Any]:
    return {"title": title, "items": list(items), "collapsible": collapsible}


NAVIGATION: list[dict[str, Any]] = [
    _group("", _item("Start", "home", "index", "")),
    _group(
        "Shop",
        _item("Orders", "receipt_long", "orders_order_changelist", "orders.view_order"),
        _item("Products", "sell", "inventory_product_changelist", "inventory.view_product"),
        _item("Stock", "inventory_2", "inventory_stock_changelist", "inventory.view_stock"),
        _item("Low stock", "trending_down", "inventory_lowstockalert_changelist",
              "inventory.view_lowstockalert"),
        _item("Suppliers", "local_shipping", "inventory_supplier_changelist",
              "inventory.view_supplier"),
        _item("Sync runs", "sync", "inventory_syncrun_changelist", "inventory.view_syncrun"),
    ),
    _group(
        "Jobs",
        _item("How they do", "monitoring", "tasks_overview", "tasks.view_job"),
        _item("Jobs", "list_alt", "tasks_job_changelist", "tasks.view_job"),
        _item("Dead jobs", "skull", "tasks_dead", "tasks.view_job", _dead_jobs),
        _item("Queues", "stacks", "tasks_queues", "tasks.view_job"),
        _item("Workers", "engineering", "tasks_workers", "tasks.view_worker"),
        _item("Schedule", "schedule", "django_celery_beat_periodictask_changelist",
              "django_celery_beat.view_periodictask"),
        _item("Effects", "output", "tasks_effect_changelist", "tasks.view_effect",
              _unknown_effects),
        _item("Locks", "lock", "tasks_lock_changelist", "tasks.view_lock"),
    ),
    _group(
        "Trust",
        _item("Audit log", "history", "tasks_auditentry_changelist", "tasks.view_auditentry"),
        _item("Audits", "fact_check", "auditor_auditrun_changelist", "auditor.view_auditrun"),
    ),
    _group(
        "Records",
        _item("Categories", "category", "inventory_category_changelist", "inventory.view_category"),
        _item("Movements", "swap_vert", "inventory_stockmovement_changelist",
              "inventory.view_stockmovement"),
        _item("Reservations", "bookmark", "inventory_reservation_changelist",
              "inventory.view_reservation"),
        _item("Deliveries", "move_to_inbox", "inventory_delivery_changelist",
              "inventory.view_delivery"),
        collapsible=True,
    ),
    _group(
        "Access",
        _item("People", "person", "auth_user_changelist", "auth.view_user"),
        _item("Roles", "badge", "auth_group_changelist", "auth.view_group"),
        _item("API keys", "key", "api_apikey_changelist", "api.view_apikey"),
        collapsible=True,
    ),
]  # fmt: skip


def _icon(request: HttpRequest) -> str:
    return static("shop/icon.svg")


UNFOLD = {
    "SITE_TITLE": "Shop console",
    "SITE_HEADER": "Shop console",
    "SITE_SYMBOL": "storefront",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _icon}],
    "BORDER_RADIUS": "6px",
    "COLORS": {"primary": PRIMARY},
    "DASHBOARD_CALLBACK": "shop.console.start.context",
    "SIDEBAR": {"show_search": True, "navigation": NAVIGATION},
}
