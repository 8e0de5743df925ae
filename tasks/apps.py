from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = "Jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        super().import_models()
        # No boot check could say it: the admin imports its models before any check runs.
        if not apps.is_installed("django_celery_beat"):
            raise ImproperlyConfigured(
                'Add "django_celery_beat" to INSTALLED_APPS: schedules live in its tables.'
            )

    def ready(self) -> None:
        from django.db.models.signals import post_save
        from django_celery_beat.models import PeriodicTask

        from tasks import checks, slots  # noqa: F401  (checks registers the boot checks)

        post_save.connect(slots.on_schedule_saved, sender=PeriodicTask)
