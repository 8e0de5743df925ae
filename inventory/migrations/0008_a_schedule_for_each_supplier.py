from django.db import migrations
from django.utils import timezone

ALL = "Sync stock with all suppliers"


def divide(apps, schema_editor):
    """The one entry of the schedule for all becomes one for each, as operators had left it."""
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    IntervalSchedule = apps.get_model("django_celery_beat", "IntervalSchedule")
    shared = PeriodicTask.objects.filter(name=ALL, task="inventory.sync_all_suppliers").first()
    for supplier in apps.get_model("inventory", "Supplier").objects.all():
        entry = PeriodicTask(name=f"Sync stock with {supplier.name}", args=f"[{supplier.pk}]")
        entry.task = "inventory.sync_supplier"
        entry.enabled = supplier.is_enabled and (shared is None or shared.enabled)
        if shared is not None and (shared.interval or shared.crontab):
            entry.interval, entry.crontab = shared.interval, shared.crontab
        else:
            entry.interval, _ = IntervalSchedule.objects.get_or_create(every=15, period="minutes")
        entry.save()
        supplier.schedule = entry
        supplier.scheduled_as = f"15 {'on' if supplier.is_enabled else 'off'} {supplier.name}"
        supplier.save()
    if shared is not None:
        shared.delete()
        # A beat that runs looks here for whether anything has changed.
        changes = apps.get_model("django_celery_beat", "PeriodicTasks")
        changes.objects.update_or_create(ident=1, defaults={"last_update": timezone.now()})


class Migration(migrations.Migration):

    dependencies = [
        ("inventory", "0007_suppliers_of_every_kind"),
    ]

    operations = [
        migrations.RunPython(divide, migrations.RunPython.noop),
    ]
