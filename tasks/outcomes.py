"""How a task says how it ended, other than by returning: raise one of these.

    raise Retry(after=30)            # failed; try again in 30 s; counts as a failure
    raise Snooze(5)                  # not now; try again in 5 s; costs nothing
    raise Permanent("no such order") # failed for good; the job is dead at once
    raise Cancel("order was withdrawn")  # no longer wanted; the job is cancelled

Anything else that is raised is a failure, and the task's `RetryPolicy` decides what follows.
Times are seconds.
"""

from __future__ import annotations


class Outcome(Exception):
    """Base of the outcomes. Don't raise it itself."""


class Retry(Outcome):
    """The attempt failed; run the job again, `after` seconds from now or when the policy says.

    The policy's limits on attempts and total time still hold.
    """

    def __init__(self, reason: str = "", *, after: float | None = None) -> None:
        super().__init__(reason or "asked to be retried")
        self.after_s = after


class Snooze(Outcome):
    """Nothing failed, but it can't run now (rate limit, open circuit): again `after` seconds on."""

    def __init__(self, after: float, reason: str = "") -> None:
        super().__init__(reason or f"snoozed for {after:g} s")
        self.after_s = after


class Permanent(Outcome):
    """It failed and trying again can't help. The job is dead until a person retries it."""


class Cancel(Outcome):
    """The job is no longer wanted. It ends as cancelled."""
