from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save

from tasks.console import subjects


class InventoryConfig(AppConfig):
    name = "inventory"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The admin enqueues by a task's name (`inventory.jobs`), so every process has to know them.
        import_module("inventory.tasks")
        import_module("inventory.checks")
        for kind, model in (("supplier", "supplier"), ("sync", "syncrun")):
            page = f"admin:inventory_{model}_change"
            subjects.register(kind, page, f"inventory.view_{model}")
        # A supplier that is saved, by whomever, has the schedule that it asks for.
        cadence, supplier = import_module("inventory.cadence"), self.get_model("Supplier")
        post_save.connect(cadence.on_supplier_saved, sender=supplier)
        post_delete.connect(cadence.on_supplier_deleted, sender=supplier)
        # A product or category that is saved, by whomever, is seen by visitors at once.
        generations = import_module("inventory.generations")
        for signal in (post_save, post_delete):
            for model in ("Product", "Category"):
                signal.connect(generations.on_catalogue_change, sender=self.get_model(model))
