"""Tasks of the canary scan that fail with an error which quotes a customer."""

from __future__ import annotations

from typing import NoReturn

from celery import shared_task
from django.contrib.auth.models import User

from tasks.retry import RetryPolicy
from tasks.task import JobTask

MODULE = __name__

ONCE = RetryPolicy(max_attempts=1)
TWICE = RetryPolicy(max_attempts=2, base_s=0.1, cap_s=0.1)


@shared_task(name="privacy.break_unique", base=JobTask, retry_policy=TWICE)
def break_unique(user_id: int) -> None:
    """PostgreSQL quotes the value that is there already."""
    user = User.objects.get(pk=user_id)
    for _ in range(2):
        User.objects.create(username=user.email)


@shared_task(name="privacy.break_row", base=JobTask, retry_policy=ONCE)
def break_row(user_id: int) -> None:
    """PostgreSQL quotes the whole row."""
    User.objects.filter(pk=user_id).update(date_joined=None)


@shared_task(name="privacy.complain", base=JobTask, retry_policy=ONCE)
def complain(user_id: int) -> NoReturn:
    """As a library may; the cause has it too."""
    user = User.objects.get(pk=user_id)
    try:
        raise LookupError(user.email)
    except LookupError as error:
        raise ValueError(f"can't write to {user.email!r}") from error
