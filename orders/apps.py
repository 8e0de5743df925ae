from importlib import import_module

from django.apps import AppConfig

from tasks.console import subjects


class OrdersConfig(AppConfig):
    name = "orders"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Services enqueue by a task's name (`orders.jobs`), so every process has to know them.
        import_module("orders.tasks")
        import_module("orders.payments.checks")
        subjects.register("order", "admin:orders_why", "orders.view_order")
