"""Boot checks: `manage.py check` says which supplier's credential is not as it must be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from inventory.errors import CredentialInvalid
from inventory.feeds.credentials import PREFIX, push_secret, web_credential


@register("suppliers")
def check_suppliers(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return list(_check_credentials())


def _check_credentials() -> Iterator[CheckMessage]:
    for name in sorted(settings.SUPPLIER_SECRETS):
        is_secret = settings.SUPPLIER_SECRETS[name].startswith("secret")
        try:
            (push_secret if is_secret else web_credential)(name)
        except CredentialInvalid as error:
            example = f"{PREFIX}ACME='bearer api.acme.example TOKEN'"
            yield Error(f"{error} See .env.example; for example {example}.", id="suppliers.E001")
