"""The API's page for people: local files only, under the project's content security policy."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome

from shop.headers import CONTENT_SECURITY_POLICY
from tests.shop.storefront.visitor import Visitor


@pytest.mark.django_db
def test_given_the_page_then_everything_on_it_is_ours(client: Client) -> None:
    answer = client.get("/api/docs")
    page = answer.content.decode()

    assert answer["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert re.findall(r'(?:src|href)="(?!/static/)', page) == []
    assert "<style" not in page
    assert re.findall(r"<script(?![^>]*(?:src|application/json))", page) == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_given_a_browser_then_it_shows_every_operation_and_has_nothing_to_complain_about(
    browser: Chrome, live_server: LiveServer
) -> None:
    visitor = Visitor(browser, live_server)
    visitor.open("/api/docs")

    for name in ("List Products", "Checkout", "Follow"):
        visitor.see(".opblock-summary-description", name)
    visitor.see(".opblock-summary-description", "List Products").click()
    visitor.see(".try-out__btn").click()
    visitor.see(".execute").click()
    visitor.see(".live-responses-table .response-col_status", "200")
    assert visitor.severe_logs() == []
