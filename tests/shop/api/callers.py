"""Those who call the API in tests: a user, a key of theirs, and short ways to ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from shop.api import keys
from shop.api.models import Scope

PASSWORD = "a long enough password"


def user(name: str = "ann", **values: Any) -> User:
    return User.objects.create_user(name, f"{name}@example.com", PASSWORD, **values)


def key_of(owner: User, *scopes: str) -> str:
    """A key with the scopes, or with all."""
    return keys.create_key(name="a test", user=owner, scopes=scopes or Scope.values)[1]


@dataclass(frozen=True)
class Program:
    """A program of a customer's, with an API key."""

    client: Client
    key: str

    def get(self, path: str, query: Any = None, **headers: str) -> Any:
        return self.client.get(f"/api{path}", query, headers=self._headers(headers))

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        return self.client.post(
            f"/api{path}",
            body,
            content_type="application/json",
            headers=self._headers(headers),
        )

    def checkout(self, idempotency_key: str = "k1", **changes: Any) -> Any:
        return self.post("/checkout", wish(**changes), **{"Idempotency-Key": idempotency_key})

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", **more}


def wish(**changes: Any) -> dict[str, Any]:
    """A body of POST /api/checkout."""
    return {
        "email": "ann@example.com",
        "lines": [{"sku": "MUG-1", "quantity": 2}],
        "payment_method": "pm_ok",
        **changes,
    }
