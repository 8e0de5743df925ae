"""Every kind of page of the console, with something on it: readable by all, and on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from django.urls import reverse

from orders.models import Payment
from tasks.models import Effect
from tests.inventory import syncing
from tests.orders import makers
from tests.orders.provider import ScriptedProvider
from tests.orders.sink import SmtpSink
from tests.shop.auditor.working import run_once, work_off
from tests.shop.auditor.world import job_of
from tests.shop.console.test_start import everything_wrong
from tests.shop.storefront.axe import grave, violations
from tests.shop.storefront.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LISTS = [
    "orders_order", "inventory_product", "inventory_stock", "inventory_supplier",
    "inventory_syncrun", "tasks_job", "tasks_effect", "tasks_lock", "tasks_auditentry",
    "django_celery_beat_periodictask", "auditor_auditrun", "auth_user",
]  # fmt: skip


def test_axe_finds_nothing_grave_and_nothing_sticks_out(
    admin: Visitor, provider: ScriptedProvider, sink: SmtpSink, tmp_path: Path
) -> None:
    paths = pages(provider, tmp_path)
    found = look(admin, paths, "light", width=1280)
    admin.take_a_phone(width=390)
    found |= look(admin, paths, "dark", width=390)
    assert found == {}


def look(
    visitor: Visitor, paths: list[str], scheme: Literal["light", "dark"], *, width: int
) -> dict[str, list[str]]:
    """What is wrong with which page."""
    visitor.prefer(scheme)
    found: dict[str, list[str]] = {}
    for path in paths:
        visitor.open(path)
        if wrong := [*grave(violations(visitor)), *visitor.severe_logs()]:
            found[f"{path} {scheme}"] = wrong
        if visitor.width() > width:
            found.setdefault(f"{path} {scheme}", []).append(f"{visitor.width()} px wide")
    return found


def pages(provider: ScriptedProvider, folder: Path) -> list[str]:
    """Lists, and of each kind of record one that shows most."""
    mug = makers.product(on_hand=10, name="A red mug")
    confirmed, stuck = makers.order(mug), makers.order(mug)
    provider.script.append("lost_after")
    work_off(confirmed)
    Payment.objects.filter(order=stuck).update(provider="stripe")
    run_once(job_of(stuck))
    everything_wrong()
    supplier = syncing.supplier(folder, name="held")
    syncing.feed(supplier, (mug.sku, 1, syncing.now()), ("no-such-sku", 5, syncing.now()))
    held = syncing.run_sync(supplier)
    assert held.state == "held"
    return [
        reverse("admin:index"),
        *(reverse(f"admin:{name}_changelist") for name in LISTS),
        reverse("admin:tasks_queues"),
        f"{reverse('admin:tasks_queue_deed', args=['purge'])}?queue=stock",
        reverse("admin:tasks_workers"),
        reverse("admin:tasks_effect_change", args=[Effect.objects.get(key="a").pk]),
        *(reverse("admin:orders_why", args=[order.pk]) for order in (confirmed, stuck)),
        reverse("admin:orders_order_change", args=[confirmed.pk]),
        reverse("admin:tasks_job_change", args=[job_of(stuck)]),
        reverse("admin:inventory_adjust", args=[mug.pk]),
        reverse("admin:inventory_history", args=[mug.pk]),
        reverse("admin:inventory_syncrun_change", args=[held.pk]),
        reverse("admin:inventory_syncrun_diff", args=[held.pk]),
        reverse("admin:inventory_supplier_add"),
    ]
