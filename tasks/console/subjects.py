"""What a job is about, with the way to its page. The project knows the pages; see `conf`."""

from __future__ import annotations

from django.urls import NoReverseMatch
from django.utils.module_loading import import_string

from tasks.conf import conf


def page_of(subject: str) -> str:
    """Path of the subject's page: `order:42` → `/admin/orders/order/42/…`; nothing without one."""
    if not conf().subject_page:
        return ""
    try:
        return str(import_string(conf().subject_page)(subject))
    except NoReverseMatch:  # a subject may be any text
        return ""
