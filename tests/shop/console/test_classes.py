"""Every page of the admin, as it is registered, stands on the console's classes and has its way."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import RequestFactory
from unfold.admin import ModelAdmin, StackedInline, TabularInline

from shop.console.frame import NAVIGATION

PAGES: dict[Any, Any] = dict(admin.site._registry)
REACHED_FROM_THE_SCHEDULE = {
    "clockedschedule", "crontabschedule", "intervalschedule", "solarschedule",
}  # fmt: skip


def named(model: Any) -> str:
    return str(model._meta.label_lower)


@pytest.mark.parametrize("model", PAGES, ids=named)
def test_a_page_and_its_inlines_have_the_consoles_look(model: Any) -> None:
    page = PAGES[model]
    assert isinstance(page, ModelAdmin)
    assert all(issubclass(inline, TabularInline | StackedInline) for inline in page.inlines)


@pytest.mark.parametrize("model", PAGES, ids=named)
def test_no_page_has_an_action_that_runs_on_get(model: Any) -> None:
    page = PAGES[model]
    assert not page.actions_list
    assert not page.actions_row
    assert not page.actions_detail
    assert not page.actions_submit_line


def test_every_model_is_in_the_sidebar_or_one_step_from_it() -> None:
    links = {str(item["link"]) for group in NAVIGATION for item in group["items"]}
    missing = {
        model._meta.model_name
        for model in PAGES
        if f"/admin/{model._meta.app_label}/{model._meta.model_name}/" not in links
    }
    assert missing == REACHED_FROM_THE_SCHEDULE


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/admin/orders/order/7/why/", "Orders"),
        ("/admin/orders/order/", "Orders"),
        ("/admin/inventory/stock/3/change/", "Stock"),
        ("/admin/inventory/stockmovement/", "Movements"),
        ("/admin/tasks/job/", "Jobs"),
        ("/admin/tasks/job/dead/", "Dead jobs"),
        ("/admin/tasks/job/0190a0a0-0000-7000-8000-000000000000/change/", "Jobs"),
    ],
)
def test_a_page_lights_up_just_its_own_entry(path: str, title: str) -> None:
    request = RequestFactory().get(path)
    items = [item for group in NAVIGATION for item in group["items"]]
    assert [item["title"] for item in items if item["active"](request)] == [title]
