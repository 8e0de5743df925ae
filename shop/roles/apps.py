from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.db.models.signals import post_migrate


class RolesConfig(AppConfig):
    """The last of the installed apps: the permissions of all others exist when its turn comes."""

    name = "shop.roles"
    label = "roles"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(_grant, sender=self)


def _grant(*, using: str, apps: Apps | None = None, **_: Any) -> None:
    from shop.roles.granting import grant_what_is_new  # models are loaded only now

    grant_what_is_new(using=using, apps=apps)
