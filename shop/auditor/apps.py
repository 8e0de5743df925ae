from django.apps import AppConfig


class AuditorConfig(AppConfig):
    name = "shop.auditor"
    label = "auditor"
    verbose_name = "Auditor"
    default_auto_field = "django.db.models.BigAutoField"
