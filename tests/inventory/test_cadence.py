from __future__ import annotations

import json
from datetime import timedelta
from importlib import import_module

import pytest
from celery import current_app
from django.apps import apps
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from inventory.models import Supplier
from tasks.models import Job
from tasks.schedules import LedgerScheduler

pytestmark = pytest.mark.django_db(transaction=True)


def make(**values: object) -> Supplier:
    return Supplier.objects.create(**{"name": "acme", "feed_url": "http://acme.example", **values})


def entry() -> PeriodicTask:
    return PeriodicTask.objects.get()


def test_given_a_new_supplier_when_saved_then_it_has_an_entry_of_its_own() -> None:
    acme = make(sync_every_minutes=7)
    assert entry().name == "Sync stock with acme"
    assert (entry().task, json.loads(entry().args)) == ("inventory.sync_supplier", [acme.pk])
    assert (str(entry().interval), entry().enabled) == ("every 7 minutes", True)
    assert Supplier.objects.get().schedule == entry()


def test_given_an_entry_when_beat_runs_it_then_a_sync_is_enqueued() -> None:
    acme = make()
    beat = LedgerScheduler(current_app)
    try:
        assert beat.schedule["Sync stock with acme"].schedule.run_every == timedelta(minutes=15)
        beat.apply_async(beat.schedule["Sync stock with acme"], advance=True)
    finally:
        beat.close()
    assert Job.objects.get(task="inventory.sync_supplier").args == [acme.pk]


def test_given_other_settings_when_saved_then_the_entry_follows() -> None:
    acme = make()
    acme.sync_every_minutes = 60
    acme.save()
    assert (str(entry().interval), entry().enabled) == ("every 60 minutes", True)
    acme.is_enabled = False
    acme.save()
    assert not entry().enabled
    acme.is_enabled, acme.name = True, "acme-two"
    acme.save()
    assert (entry().enabled, entry().name) == (True, "Sync stock with acme-two")
    acme.sync_every_minutes = None
    acme.save()
    assert not entry().enabled


def test_given_an_operators_edits_when_something_else_is_saved_then_they_stay() -> None:
    acme = make()
    edited = entry()
    edited.interval = IntervalSchedule.objects.create(every=3, period="hours")
    edited.enabled, edited.description = False, "at their request"
    edited.save()
    acme.refresh_from_db()
    acme.safety_buffer = 5
    acme.save()
    assert (str(entry().interval), entry().enabled) == ("every 3 hours", False)
    acme.name = "acme-two"
    acme.save()
    assert (str(entry().interval), entry().enabled) == ("every 3 hours", False)
    assert entry().description == "at their request"


def test_given_an_operator_deleted_it_when_something_else_is_saved_then_it_stays_away() -> None:
    acme = make()
    entry().delete()
    acme.refresh_from_db()
    acme.safety_buffer = 5
    acme.save()
    assert not PeriodicTask.objects.exists()
    acme.sync_every_minutes = 30  # now somebody wants one
    acme.save()
    assert str(entry().interval) == "every 30 minutes"


def test_given_a_supplier_that_is_deleted_then_its_entry_goes_and_beat_is_told() -> None:
    acme, other = make(), make(name="other")
    told = PeriodicTasks.last_change()
    acme.delete()
    assert entry().name == "Sync stock with other"
    assert Supplier.objects.get() == other
    assert PeriodicTasks.last_change() > told


def test_given_no_cadence_when_saved_then_there_is_no_entry() -> None:
    make(sync_every_minutes=None)
    assert not PeriodicTask.objects.exists()


def test_given_a_name_that_somebody_uses_when_saved_then_both_have_one() -> None:
    hourly = IntervalSchedule.objects.create(every=1, period="hours")
    PeriodicTask.objects.create(name="Sync stock with acme", task="jobs.prune", interval=hourly)
    acme = make()
    assert acme.schedule and acme.schedule.name == f"Sync stock with acme ({acme.pk})"


def test_given_the_schedule_for_all_of_earlier_versions_when_migrated_then_each_gets_its_own() -> (
    None
):
    acme, off = make(), make(name="off", is_enabled=False)
    Supplier.objects.update(schedule=None, scheduled_as="")
    PeriodicTask.objects.all().delete()
    hourly = IntervalSchedule.objects.create(every=1, period="hours")
    PeriodicTask.objects.create(
        name="Sync stock with all suppliers", task="inventory.sync_all_suppliers", interval=hourly
    )
    migration = import_module("inventory.migrations.0008_a_schedule_for_each_supplier")
    migration.divide(apps, None)
    found = {each.name: (str(each.interval), each.enabled) for each in PeriodicTask.objects.all()}
    assert found == {
        "Sync stock with acme": ("every hour", True),
        "Sync stock with off": ("every hour", False),
    }
    for each in (acme, off):
        each.refresh_from_db()
        each.safety_buffer = 1
        each.save()  # changes nothing of it
    assert str(PeriodicTask.objects.get(name="Sync stock with acme").interval) == "every hour"
