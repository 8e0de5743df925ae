from __future__ import annotations

from copy import copy
from typing import Any

from celery.events.state import Task
from django.urls import reverse
from pytest_django.fixtures import Settings

from shop.flowerconfig import format_task


def test_a_task_in_flower_tells_its_jobs_page_and_others_are_left_alone(settings: Settings) -> None:
    settings.SITE_URL = "https://shop.example"
    job_id = "0190a0a0-0000-7000-8000-000000000000"
    task: Any = Task(uuid=job_id, name="orders.send_email")
    shown = format_task(copy(task))
    address = reverse("admin:tasks_job_change", args=[job_id])
    assert shown.console == f"https://shop.example{address}"
    assert "console" in shown._fields
    assert not hasattr(task, "console")
