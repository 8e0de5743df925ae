"""The console's pages about jobs, under the address of the jobs."""

from __future__ import annotations

from functools import partial

from django.urls import URLPattern, path

from tasks.console.bulk_page import bulk_page
from tasks.console.dead_page import dead_page
from tasks.console.dry_run_page import dry_run_page
from tasks.console.job_page import act_page
from tasks.console.overview import overview_page
from tasks.console.queue_deeds import queue_deed_page
from tasks.console.queues import queues_page
from tasks.console.workers import stop_worker_page, workers_page
from tasks.model_admin import ModelAdmin


def urls(model_admin: ModelAdmin) -> list[URLPattern]:
    """For `get_urls` of the jobs' own admin, in front of its standard pages."""
    wrap = model_admin.admin_site.admin_view
    return [
        path(address, wrap(partial(page, model_admin=model_admin)), name=name)
        for address, page, name in (
            ("overview/", overview_page, "tasks_overview"),
            ("queues/", queues_page, "tasks_queues"),
            ("queues/<slug:deed>/", queue_deed_page, "tasks_queue_deed"),
            ("workers/", workers_page, "tasks_workers"),
            ("workers/stop/", stop_worker_page, "tasks_worker_stop"),
            ("dead/", dead_page, "tasks_dead"),
            ("bulk/", bulk_page, "tasks_bulk"),
            ("<uuid:job_id>/act/", act_page, "tasks_job_act"),
            ("<uuid:job_id>/dry-run/", dry_run_page, "tasks_dry_run"),
        )
    ]
