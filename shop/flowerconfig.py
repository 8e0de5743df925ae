"""Flower's configuration: it tells the address of each task's job in the operators' console.

https://flower.readthedocs.io/en/latest/config.html#format-task
"""

from __future__ import annotations

from typing import Any

from django.conf import settings


def format_task(task: Any) -> Any:
    """Flower passes a copy, and shows the fields that the task names."""
    task.console = f"{settings.SITE_URL}/admin/tasks/job/{task.uuid}/change/"
    task._fields = (*task._fields, "console")
    return task
