"""Making, finding and revoking API keys."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from shop.api.models import ApiKey

# By this secret scanners recognise a key that was committed by mistake.
PREFIX = "shopkey_"
HINT_CHARS = len(PREFIX) + 4
MAX_KEY_CHARS = 200

# `last_used_at` is for people who ask "is it still used?", not worth a write for each request.
LAST_USED_EVERY = timedelta(minutes=1)


def create_key(*, name: str, user: User, scopes: Iterable[str]) -> tuple[ApiKey, str]:
    """A new key's record, and the key itself, which nobody can show again."""
    record = ApiKey(name=name, user=user, scopes=sorted(scopes))
    key = assign_secret(record)
    record.save()
    return record, key


def assign_secret(record: ApiKey) -> str:
    """Give an unsaved record its key; returns the key."""
    key = PREFIX + secrets.token_urlsafe(32)
    record.digest, record.hint = _digest(key), key[:HINT_CHARS]
    return key


def find_key(key: str) -> ApiKey | None:
    """The record of a key that may be used now, with its user."""
    if not key.startswith(PREFIX) or len(key) > MAX_KEY_CHARS:
        return None
    return (
        ApiKey.objects.select_related("user")
        .filter(digest=_digest(key), revoked_at=None, user__is_active=True)
        .first()
    )


def note_use(record: ApiKey) -> None:
    """Remember that the key was used just now."""
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_EVERY)
    ApiKey.objects.filter(stale, pk=record.pk).update(last_used_at=now)


def revoke_key(*, key_id: int) -> bool:
    """End a key for good. False: it was revoked before."""
    live = ApiKey.objects.filter(pk=key_id, revoked_at=None)
    return bool(live.update(revoked_at=timezone.now()))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
