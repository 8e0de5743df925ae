"""Who is asking: a program with an API key, a signed-in browser, or anybody.

Each operation names who may call it (`signed_in`, `anyone`) and the scope that a key needs for it.
A key that is wrong, revoked or too narrow is refused even where anybody may come in: whoever sends
one wants to know that it doesn't work.

A browser's cookie travels with requests that other sites make, so a signed-in browser also has to
send the CSRF token (X-CSRFToken) with whatever changes something. Keys need none, and neither does
an order's code: nothing sends them by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from shop.api import keys
from shop.api.models import Scope
from shop.api.problems import Forbidden, Unauthorized


@dataclass(frozen=True)
class Principal:
    """Whoever asks. A guest has no user; a key acts for its user."""

    user: User | None = None
    key_id: int | None = None

    @property
    def name(self) -> str:
        """Who it is in jobs, limits and idempotency keys, without anything personal."""
        if self.key_id is not None:
            return f"key:{self.key_id}"
        return f"user:{self.user.pk}" if self.user else "guest"


class ApiRequest(HttpRequest):
    """A request that one of the classes below let in."""

    auth: Principal


class ApiKeyBearer(HttpBearer):
    """`Authorization: Bearer shopkey_…` with a key that has the scope."""

    def __init__(self, scope: Scope | None) -> None:
        self.scope = scope
        super().__init__()

    def authenticate(self, request: HttpRequest, token: str) -> Principal:
        record = keys.find_key(token)
        if record is None:
            raise Unauthorized("This API key is unknown, was revoked, or its user may not sign in.")
        if self.scope is not None and self.scope not in record.scopes:
            raise Forbidden(f"This API key lacks the scope {self.scope.value}.")
        keys.note_use(record)
        return Principal(user=record.user, key_id=record.pk)


class SessionCookie(APIKeyCookie):
    """The cookie of a signed-in browser, with the CSRF token unless it only reads."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Principal | None:
        return self.authenticate(request, None)

    def authenticate(self, request: HttpRequest, key: str | None) -> Principal | None:
        if not isinstance(request.user, User):
            return None
        if check_csrf(request):
            raise Forbidden("The CSRF token is missing or wrong. Send it as X-CSRFToken.")
        return Principal(user=request.user)


def guest(request: HttpRequest) -> Principal:
    return Principal()


Callback = Callable[[HttpRequest], object]


def signed_in(scope: Scope) -> Sequence[Callback]:
    """Keys with the scope, and signed-in browsers."""
    return [ApiKeyBearer(scope), SessionCookie()]


def anyone(scope: Scope | None = None) -> Sequence[Callback]:
    """Everybody; but a key, if one is sent, must have the scope."""
    return [ApiKeyBearer(scope), SessionCookie(), guest]
