"""How often a caller may ask: so many requests a minute, for each key, user or address.

Redis counts, by one atomic script, so that all web processes share one count. Addresses are kept
as keyed hashes: nobody finds out from Redis who was here.

While Redis is down requests are let through: a shop that is open without limits beats a shop that
is closed because nobody can count. What writes to PostgreSQL (`strict` policies: checkout, cancel)
is then counted in each web process alone, so such a caller gets at most the limit times the number
of processes. A Redis that failed is left alone for a moment: asking it may take 0.3 s.
"""

from __future__ import annotations

import hmac
import math
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django_redis import get_redis_connection
from django_redis.exceptions import ConnectionInterrupted
from ninja.throttling import BaseThrottle
from redis.exceptions import RedisError

from shop.api.authentication import Principal

WINDOW_S = 60
PREFIX = "shop:limit:"
LEFT_ALONE_S = 5.0
MOST_LOCAL_CALLERS = 10_000

SPEND = (Path(__file__).parent / "lua" / "spend.lua").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Policy:
    """`setting` names how many requests a minute; `strict` counts without Redis too."""

    name: str
    setting: str
    strict: bool = False

    @property
    def limit(self) -> int:
        return int(getattr(settings, self.setting))


READING = Policy("reading", "API_READS_PER_MINUTE")
ORDERING = Policy("ordering", "API_CHECKOUTS_PER_MINUTE", strict=True)


@dataclass(frozen=True)
class Verdict:
    """Times are seconds."""

    policy: Policy
    allowed: bool
    left: int
    all_back_in_s: float
    wait_s: float = 0.0

    @property
    def headers(self) -> dict[str, str]:
        """https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (version 10)"""
        name, limit = self.policy.name, self.policy.limit
        return {
            "RateLimit-Policy": f'"{name}";q={limit};w={WINDOW_S}',
            "RateLimit": f'"{name}";r={self.left};t={math.ceil(self.all_back_in_s)}',
        }


class Limit(BaseThrottle):
    """Counts an operation's requests under a policy. The verdict's headers go on every answer."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def allow_request(self, request: HttpRequest) -> bool:
        verdict = spend(self.policy, caller_of(request))
        request.rate_limit = verdict  # type: ignore[attr-defined]
        return verdict is None or verdict.allowed


def spend(policy: Policy, caller: str) -> Verdict | None:
    """Take one request from the caller's allowance. None: nobody could count, so let it through."""
    try:
        return _redis.spend(policy, caller)
    except (RedisError, ConnectionInterrupted, _LeftAlone):
        return _local.spend(policy, caller) if policy.strict else None


def caller_of(request: HttpRequest) -> str:
    """`key:3`, `user:5`, or a guest's address, unreadable."""
    principal = getattr(request, "auth", None)
    if isinstance(principal, Principal) and principal.user is not None:
        return principal.name
    return "address:" + _hidden(_address(request))


def _address(request: HttpRequest) -> str:
    """Where the request comes from. A proxy of ours adds the last entry of X-Forwarded-For; those
    before it are the client's own words.
    """
    direct = str(request.META.get("REMOTE_ADDR", ""))
    if not settings.BEHIND_PROXY:
        return direct
    return request.headers.get("X-Forwarded-For", direct).rpartition(",")[2].strip()


def _hidden(address: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), address.encode(), sha256).hexdigest()[:32]


class _LeftAlone(Exception):
    """Redis failed a moment ago."""


class _Redis:
    """The count that all processes share."""

    def __init__(self) -> None:
        self._asked_again_at = 0.0

    def spend(self, policy: Policy, caller: str) -> Verdict:
        """Raises the errors of Redis, and `_LeftAlone`."""
        if time.monotonic() < self._asked_again_at:
            raise _LeftAlone
        try:
            answer = self._ask(f"{PREFIX}{policy.name}:{caller}", policy.limit)
        except (RedisError, ConnectionInterrupted):
            self._asked_again_at = time.monotonic() + LEFT_ALONE_S
            raise
        allowed, left, all_back_us, wait_us = (int(number) for number in answer)
        return Verdict(policy, bool(allowed), left, all_back_us / 1e6, wait_us / 1e6)

    def trust(self) -> None:
        """Ask it again at once."""
        self._asked_again_at = 0.0

    def _ask(self, key: str, limit: int) -> Any:
        redis = get_redis_connection("default")
        return redis.register_script(SPEND)(keys=[key], args=[limit, WINDOW_S * 1_000_000])


class _Local:
    """The same sum as `lua/spend.lua`, in this process alone."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._empty_at: dict[str, float] = {}

    def spend(self, policy: Policy, caller: str) -> Verdict:
        with self._lock:
            now, step = time.monotonic(), WINDOW_S / policy.limit
            self._make_room(now)
            empty_at = max(self._empty_at.get(caller, now), now)
            left_after = WINDOW_S - (empty_at + step - now)
            if left_after < 0:
                return Verdict(policy, False, 0, empty_at - now, -left_after)
            self._empty_at[caller] = empty_at + step
            return Verdict(policy, True, int(left_after / step), empty_at + step - now)

    def forget(self) -> None:
        with self._lock:
            self._empty_at.clear()

    def _make_room(self, now: float) -> None:
        """Forget who has their whole allowance back; in a flood, forget all."""
        if len(self._empty_at) < MOST_LOCAL_CALLERS:
            return
        self._empty_at = {name: at for name, at in self._empty_at.items() if at > now}
        if len(self._empty_at) >= MOST_LOCAL_CALLERS:
            self._empty_at.clear()


_redis, _local = _Redis(), _Local()


def start_anew() -> None:
    """Forget what this process counted, and that Redis was down."""
    _redis.trust()
    _local.forget()
