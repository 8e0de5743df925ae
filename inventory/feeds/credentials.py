"""Suppliers' credentials. The database holds their names; their values come from the environment.

    SUPPLIER_CREDENTIALS_ACME="bearer api.acme.example 6f1c…"      an Authorization: Bearer …
    SUPPLIER_CREDENTIALS_MILL="basic files.mill.example me:pass"   HTTP's basic authentication
    SUPPLIER_CREDENTIALS_PRESS="secret 9b2e… 77aa…"               signs pushes; a new one and an old

A value names the host that may see it, so neither a redirect nor a person who edits suppliers, and
may not know the value, can have it sent elsewhere.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult

from django.conf import settings

from inventory.errors import CredentialInvalid

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PREFIX = "SUPPLIER_CREDENTIALS_"
PORTS = {"http": 80, "https": 443}
MIN_SECRET = 16  # characters; a signature is as good as its secret


@dataclass(frozen=True)
class WebCredential:
    """What one host wants to see before it hands out a feed."""

    host: str
    """With its port, unless that is the usual one."""
    authorization: str = field(repr=False)

    def headers(self, url: SplitResult) -> Mapping[str, str]:
        """Nothing for another host, nor without TLS, except on this machine."""
        is_private = url.scheme == "https" or url.hostname in LOOPBACK
        if not is_private or origin(url)[1:] != self._place(url.scheme):
            return {}
        return {"Authorization": self.authorization}

    def _place(self, scheme: str) -> tuple[str, int]:
        host, _, port = self.host.rpartition(":")
        if host and port.isdecimal():
            return host.strip("[]"), int(port)
        return self.host.strip("[]"), PORTS[scheme]


@dataclass(frozen=True)
class PushSecret:
    """What signs a supplier's pushes: any of these, so that one can be replaced by the next."""

    values: tuple[bytes, ...] = field(repr=False)


def origin(url: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port. Raises `ValueError` when there is no such port."""
    return url.scheme, url.hostname or "", url.port or PORTS.get(url.scheme, 0)


def web_credential(name: str) -> WebCredential:
    """Raises `CredentialInvalid`, whose message never holds a value."""
    kind, host, value = (*_value(name).split(None, 2), "", "", "")[:3]
    if kind == "bearer" and host and value.isascii() and len(value.split()) == 1:
        return WebCredential(host.lower(), f"Bearer {value}")
    if kind == "basic" and host and ":" in value:
        return WebCredential(host.lower(), f"Basic {b64encode(value.encode()).decode()}")
    raise CredentialInvalid(
        f"{PREFIX}{name} must be 'bearer HOST TOKEN' or 'basic HOST USER:PASSWORD'."
    )


def push_secret(name: str) -> PushSecret:
    """Raises `CredentialInvalid`, whose message never holds a value."""
    kind, *values = _value(name).split() or [""]
    if kind != "secret" or not values or min(map(len, values)) < MIN_SECRET:
        raise CredentialInvalid(
            f"{PREFIX}{name} must be 'secret VALUE', of at least {MIN_SECRET} characters."
        )
    return PushSecret(tuple(value.encode() for value in values))


def _value(name: str) -> str:
    found: str | None = settings.SUPPLIER_SECRETS.get(name)
    if found is None:
        raise CredentialInvalid(f"There is no credential {name}: set {PREFIX}{name}.")
    return found
