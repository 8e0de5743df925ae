"""The list of jobs: what it shows, how it is searched, and what is done to those chosen in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from celery.app import app_or_default
from django import forms
from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from tasks import audit_log, operations
from tasks.bulk import Deed
from tasks.console import words
from tasks.console.bulk_page import REASON_CHARS, bulk_address
from tasks.console.deeds import OFFERS, allowed, tone
from tasks.console.job_page import job_page
from tasks.console.subjects import page_of
from tasks.console.urls import urls
from tasks.console.wording import duration
from tasks.model_admin import ActionForm
from tasks.models import Job
from tasks.records import RecordAdmin

COUNTED = 10_000
"""Of a list that is longer only so many are counted and can be turned to."""


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    object_list: Any

    @cached_property
    def count(self) -> int:
        """Counting every row of a long ledger takes longer than reading a page of it."""
        found: QuerySet[Job] = self.object_list
        return found.order_by().values("pk")[:COUNTED].count()


class DeedForm(ActionForm):
    """What an action on the chosen jobs needs to know."""

    reason = forms.CharField(required=False, max_length=REASON_CHARS, label="Reason")
    priority = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "priority"), *((each, each) for each in range(10))],
        label="",
    )


class WordFilter(SimpleListFilter):
    """A filter that says the same as a word in the search."""

    choices_are: Iterable[tuple[str, str]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.choices_are)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        try:
            word = f"{self.parameter_name}:{words.quote(str(self.value()))}"
            return words.read(word).narrow(queryset)
        except ValueError as error:
            raise IncorrectLookupParameters from error


class QueueFilter(WordFilter):
    title = parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(app_or_default().amqp.queues)]


class TaskFilter(WordFilter):
    """From the tasks that there are: asking the ledger would read all of it."""

    title = parameter_name = "task"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = [name for name in app_or_default().tasks if not name.startswith("celery.")]
        return [(name, name) for name in sorted(names)]


class SinceFilter(WordFilter):
    title = "enqueued"
    parameter_name = "since"
    choices_are = (("1h", "in the last hour"), ("24h", "in the last day"), ("7d", "in 7 days"))


class JobAdmin(RecordAdmin):
    """Its list; `tasks.console.job_page` is the page of each."""

    list_display = ["what", "about", "standing", "tries", "age", "short_error"]
    list_filter = ["state", QueueFilter, TaskFilter, SinceFilter]
    search_fields = ["id"]  # any: `get_search_results` reads words
    search_help_text = "state:dead task:… order:42 error:“timed out” since:2h"
    # Ids are in the order of time, and the primary key has them sorted however long the ledger is.
    ordering = ["-id"]
    sortable_by = ()
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_before_template = "tasks/admin/job_list_head.html"
    list_disable_select_all = True  # the page of a deed on all has the right number, and asks why
    action_form = DeedForm
    actions = ["retry", "run_now", "reprioritise", "discard", "cancel"]

    def get_urls(self) -> list[URLPattern]:
        return [*urls(self), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        found: QuerySet[Job] = super().get_queryset(request)
        return found.defer("args", "kwargs", "options", "result", "traceback")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        try:
            return words.read(search_term).narrow(queryset), False
        except ValueError:
            return queryset.none(), False  # the head of the list says why

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {**_head(request), **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        job = self.get_object(request, object_id)
        if job is None:
            messages.warning(request, f"There is no job {object_id} (any more).")
            return HttpResponseRedirect(reverse("admin:tasks_job_changelist"))
        return job_page(request, job, model_admin=self)

    @admin.display(description="task")
    def what(self, job: Job) -> str:
        return job.task

    @admin.display(description="subject")
    def about(self, job: Job) -> str:
        page = page_of(job.subject)
        return _in_our_look('<a href="{}">{}</a>', page, job.subject) if page else job.subject

    @admin.display(description="state")
    def standing(self, job: Job) -> SafeString:
        return render_to_string("tasks/admin/job_state.html", {"job": job, "tone": tone(job.state)})

    @admin.display(description="attempts")
    def tries(self, job: Job) -> str:
        failed = f", {job.failures} failed" if job.failures else ""
        return f"{job.attempt}{failed}"

    @admin.display(description="age")
    def age(self, job: Job) -> SafeString:
        past = (timezone.now() - job.created_at).total_seconds()
        return _in_our_look(
            '<time class="short" datetime="{}" title="{} UTC">{}</time>',
            job.created_at.isoformat(),
            f"{job.created_at:%Y-%m-%d %H:%M:%S}",
            duration(past),
        )

    @admin.display(description="error")
    def short_error(self, job: Job) -> SafeString:
        first = Truncator(job.error.partition("\n")[0]).chars(60)
        return _in_our_look('<span class="errors" title="{}">{}</span>', job.error[:1000], first)

    @admin.action(description="Retry (dead, cancelled, expired, discarded)", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        return self._each(request, queryset, Deed.RETRY)

    @admin.action(description="Run now (scheduled)", permissions=["run_now"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        return self._each(request, queryset, Deed.RUN_NOW)

    @admin.action(description="Cancel (not ended yet)", permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        return self._each(request, queryset, Deed.CANCEL)

    @admin.action(description="Discard (dead)", permissions=["discard"])
    def discard(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        return self._each(request, queryset, Deed.DISCARD)

    @admin.action(description="Change priority (not ended yet)", permissions=["reprioritise"])
    def reprioritise(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        return self._each(request, queryset, Deed.REPRIORITISE)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tasks.retry_job")

    def has_run_now_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tasks.run_job_now")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tasks.cancel_job")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tasks.discard_job")

    def has_reprioritise_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tasks.reprioritise_job")

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Job], deed: Deed
    ) -> HttpResponse | None:
        """The deed on the ticked jobs, each on record."""
        if request.POST.get("select_across") == "1":  # that is for the page of a deed on all
            return self._of_all(request, deed)
        form = DeedForm(request.POST)
        del form.fields["action"]
        if not form.is_valid() or (
            deed == Deed.REPRIORITISE and form.cleaned_data["priority"] is None
        ):
            messages.error(request, "Nothing was done: give a priority from 0 to 9.")
            return None
        actor, chosen = audit_log.user(request.user), list(queryset.values_list("pk", flat=True))
        wish = {
            "actor": actor,
            "reason": form.cleaned_data["reason"],
            "priority": form.cleaned_data["priority"],
        }
        changed = [each for each in chosen if operations.act(deed, each, **wish)]
        done = OFFERS[deed].done
        for job in Job.objects.filter(pk__in=changed):
            self.log_change(request, job, done)
        tell = messages.success if changed else messages.warning
        tell(request, f"{len(changed)} of {len(chosen)} jobs {done}.")
        return None

    def _of_all(self, request: HttpRequest, deed: Deed) -> HttpResponse:
        try:
            return HttpResponseRedirect(bulk_address(words.of_list(request.GET.dict()), deed))
        except ValueError as error:
            messages.error(request, f"Nothing was done: {error}")
            return HttpResponseRedirect(request.get_full_path())


def _head(request: HttpRequest) -> dict[str, Any]:
    """What `job_list_head.html` tells of the search."""
    try:
        chosen = words.of_list(request.GET.dict())
    except ValueError as error:
        return {"search_problem": str(error)}
    if chosen.is_empty or not allowed(request):
        return {}
    return {"bulk_link": bulk_address(chosen)}


def _in_our_look(markup: str, *values: object) -> SafeString:
    """In a list of the theme's, where our stylesheet has no say without its class."""
    return format_html('<span class="console">' + markup + "</span>", *values)
