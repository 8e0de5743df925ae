"""The class behind every task of the app (`Celery(task_cls="tasks.task:JobTask")`).

To its callers a task stays an ordinary Celery task: `delay`, `apply_async`, signatures, chains,
groups and beat all end in `apply_async`, and that writes to the ledger. To the worker it is one
whose body runs under a claim (`tasks.execution`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from celery import Task
from django.utils import timezone

from tasks import execution
from tasks.context import current_job
from tasks.enqueue import CallOptions, enqueue
from tasks.errors import NotSupported
from tasks.outcomes import Permanent, Retry
from tasks.retry import RetryPolicy

if TYPE_CHECKING:  # only the type stubs know its parameters
    BaseTask = Task[Any, Any]
else:
    BaseTask = Task


class JobTask(BaseTask):
    """Options of `@shared_task` on top of Celery's own: the class attributes below."""

    abstract = True
    Request = "tasks.worker:JobRequest"

    atomic: ClassVar[bool] = True
    """Body and end of the job are one database transaction, so its writes happen exactly once.
    False for a task that talks to the outside: it does so through `tasks.effects`."""

    wait_for_disk: ClassVar[bool] = False
    """Whether an atomic task's commit waits until the disk has it; a non-atomic one's always does.
    A commit that a crash of the database server takes back is a job that runs again, once, and
    whatever came of it (jobs, effects) is in later commits, which the crash takes back first. So
    only a body whose `on_commit` hooks tell the outside world needs True.
    https://www.postgresql.org/docs/current/wal-async-commit.html"""

    retry_policy: ClassVar[RetryPolicy] = RetryPolicy()
    """What follows a failure."""

    subject: ClassVar[str | Callable[..., str]] = ""
    """What a job is about, such as `order:42`; text, or a function of the call's arguments."""

    unique_key: ClassVar[str | Callable[..., str] | None] = None
    """At most one live job with this key; text, or a function of the call's arguments."""

    tags: ClassVar[Sequence[str]] = ()
    """Tags of each of its jobs, unless the call names others."""

    def apply_async(
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        task_id: str | None = None,
        producer: Any = None,
        link: Any = None,
        link_error: Any = None,
        shadow: str | None = None,
        **options: Any,
    ) -> Any:
        """Write a job in the caller's transaction; return its `AsyncResult`, whose `id` it has.

        Celery's options: countdown, eta, expires, priority, queue, task_id, link, link_error,
        time_limit, soft_time_limit. Ours: unique_key, subject, tags. Raises `TypeError` for
        arguments that don't fit the signature and `BadArguments` for what JSON can't hold.
        """
        if self.app.conf.task_always_eager:
            return super().apply_async(  # Celery runs it here and now
                tuple(args or ()), dict(kwargs or {}), task_id, producer, link, link_error, shadow
            )
        args, kwargs = args or (), kwargs or {}
        self.check_signature(args, kwargs)
        read = CallOptions.read({"link": link, "link_error": link_error, **options})
        return self.AsyncResult(str(enqueue(self, args, kwargs, read, task_id=task_id)))

    def check_signature(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Raises `TypeError` unless the body could be called like this."""
        if self.typing:
            self.__header__(*args, **kwargs)  # type: ignore[attr-defined]  # made by Celery

    def retry(
        self,
        args: Any = None,
        kwargs: Any = None,
        exc: BaseException | None = None,
        throw: bool = True,
        eta: datetime | None = None,
        countdown: float | None = None,
        max_retries: int | None = None,
        **options: Any,
    ) -> NoReturn:
        """Celery's `raise self.retry(…)`, as the outcome `Retry`."""
        if args is not None or kwargs is not None:
            raise NotSupported(
                "A retry runs the same job again; enqueue another for other arguments."
            )
        if max_retries is not None and self.request.retries >= max_retries:
            raise Permanent(f"after {max_retries} retries: {exc!r}") from exc
        if eta is not None:
            countdown = max(0.0, (eta - timezone.now()).total_seconds())
        raise Retry(str(exc or ""), after=countdown) from exc

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The worker's entry; everywhere else a plain call of the body."""
        request = self.request  # of this call, or an empty one that says `called_directly`
        in_worker = not request.called_directly and not request.is_eager
        if in_worker and current_job() is None:
            return execution.run(self, request)
        return super().__call__(*args, **kwargs)

    def subject_of(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        return _value(type(self).__dict__.get("subject", self.subject), args, kwargs) or ""

    def unique_key_of(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        return _value(type(self).__dict__.get("unique_key", self.unique_key), args, kwargs)


def _value(
    option: str | Callable[..., str] | None, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str | None:
    return option(*args, **kwargs) if callable(option) else option
