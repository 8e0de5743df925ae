"""When to try again: a pure function of the failures so far, the error, time and chance.

Exponential backoff with full jitter: the wait before retry n is drawn evenly from
[0, min(cap, base · 2ⁿ⁻¹)], which spreads a crowd of failed jobs best.
Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from tasks.errors import EffectMismatch
from tasks.outcomes import Permanent, Retry

UniformRandom = Callable[[], float]
"""Returns a number in [0, 1)."""


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How a task's failures are answered. Immutable; share it between tasks."""

    max_attempts: int = 8
    """Failures, the first one included, before the job is dead."""

    base_s: float = 1.0
    """Longest wait before the first retry, in seconds. It doubles each time."""

    cap_s: float = 600.0
    """Longest wait before any retry, in seconds."""

    deadline_s: float | None = None
    """Total time since the job was first due, in seconds, after which it is not retried."""

    rules: Mapping[type[BaseException], RetryPolicy | type[Permanent]] = field(default_factory=dict)
    """Other answers for some errors; the rule of the nearest base class counts."""

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError("max_attempts must be at least 1")
        if not 0 <= self.base_s <= self.cap_s:
            raise ValueError("base_s must lie between 0 and cap_s")
        if self.deadline_s is not None and self.deadline_s <= 0:
            raise ValueError("deadline_s must be above 0")

    def wait_s(
        self,
        error: BaseException,
        *,
        failures: int,
        age_s: float,
        uniform: UniformRandom = random.random,
    ) -> float | None:
        """Seconds to wait before the next attempt, or None when there must be none.

        `failures` counts the attempts that failed, this one included (>= 1); `age_s` is the time
        since the job was first due. An error with a `retry_after_s` (seconds), such as one made
        from an HTTP Retry-After header, is never retried earlier than it asks.
        """
        policy = self._rule_for(error)
        if policy is None or failures >= policy.max_attempts:
            return None
        wait = _asked_wait_s(error)
        if wait is None:
            # 2**64 s is past any cap; the bound keeps the power from growing without end.
            wait = uniform() * min(policy.cap_s, policy.base_s * 2 ** min(failures - 1, 64))
        if policy.deadline_s is not None and age_s + wait > policy.deadline_s:
            return None
        return wait

    def _rule_for(self, error: BaseException) -> RetryPolicy | None:
        if isinstance(error, Permanent | EffectMismatch):
            return None
        for kind in type(error).__mro__:
            rule = self.rules.get(kind)
            if isinstance(rule, RetryPolicy):
                return replace(rule, rules={})
            if rule is not None:
                return None
        return self


def _asked_wait_s(error: BaseException) -> float | None:
    """What the error itself says about waiting, if anything (seconds, never negative)."""
    asked = error.after_s if isinstance(error, Retry) else getattr(error, "retry_after_s", None)
    return None if asked is None else max(0.0, float(asked))
