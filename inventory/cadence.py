"""When each supplier's sync runs by the clock: one entry of the beat schedule for each.

The entry is written when the supplier's cadence, its switch or its name changes, and left alone
otherwise, so an operator who edits or deletes it in the admin is not overruled by the next save of
something else. `Supplier.scheduled_as` says what we wrote last.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from inventory.models import Supplier

TASK = "inventory.sync_supplier"


def on_supplier_saved(sender: type[Supplier], instance: Supplier, **kwargs: Any) -> None:
    """A receiver of `post_save`."""
    if not kwargs.get("raw", False):
        keep_up(supplier_id=instance.pk)
        # Whoever saves the same object again must not write what it knew before.
        instance.refresh_from_db(fields=["schedule", "scheduled_as"])


def on_supplier_deleted(sender: type[Supplier], instance: Supplier, **kwargs: Any) -> None:
    """A receiver of `post_delete`."""
    for entry in PeriodicTask.objects.filter(pk=instance.schedule_id):
        entry.delete()  # one by one, so that beat is told


def keep_up(*, supplier_id: int) -> None:
    """Write what changed of the supplier's cadence to its entry of the schedule."""
    with transaction.atomic():
        supplier = Supplier.objects.select_for_update().get(pk=supplier_id)
        wanted = _wanted(supplier)
        if supplier.scheduled_as == wanted:
            return
        entry = _entry(supplier)
        Supplier.objects.filter(pk=supplier_id).update(
            scheduled_as=wanted, schedule=entry if entry and entry.pk else None
        )


def _wanted(supplier: Supplier) -> str:
    minutes = supplier.sync_every_minutes or 0
    return f"{minutes} {'on' if supplier.is_enabled else 'off'} {supplier.name}"


def _entry(supplier: Supplier) -> PeriodicTask | None:
    """The entry as it shall be, saved; None when there shall be none and there is none."""
    had_minutes, had_switch, _ = (*supplier.scheduled_as.split(" ", 2), "", "", "")[:3]
    has_minutes, has_switch, _ = _wanted(supplier).split(" ", 2)
    entry = PeriodicTask.objects.filter(pk=supplier.schedule_id).first()
    if entry is None:
        if had_minutes == has_minutes or not supplier.sync_every_minutes:
            return None  # an operator deleted it, or there is none by the clock
        entry = PeriodicTask(task=TASK, args=json.dumps([supplier.pk]))
        had_minutes = had_switch = ""
    entry.name = _free_name(supplier)
    if had_minutes != has_minutes and supplier.sync_every_minutes:
        entry.interval, _ = IntervalSchedule.objects.get_or_create(
            every=supplier.sync_every_minutes, period=IntervalSchedule.MINUTES
        )
        entry.crontab = entry.solar = entry.clocked = None
    if (had_minutes, had_switch) != (has_minutes, has_switch):
        entry.enabled = supplier.is_enabled and bool(supplier.sync_every_minutes)
    entry.save()
    return entry


def _free_name(supplier: Supplier) -> str:
    name = f"Sync stock with {supplier.name}"
    taken = PeriodicTask.objects.filter(name=name).exclude(pk=supplier.schedule_id).exists()
    return f"{name} ({supplier.pk})" if taken else name
