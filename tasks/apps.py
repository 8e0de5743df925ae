from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = "Jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models.signals import post_save
        from django_celery_beat.models import PeriodicTask

        from tasks import slots  # checks registers the boot checks

        post_save.connect(slots.on_schedule_saved, sender=PeriodicTask)
