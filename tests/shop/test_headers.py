from __future__ import annotations

import pytest
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/cart/", "/accounts/login/", "/admin/login/", "/nowhere"])
def test_every_page_allows_only_the_sites_own_files(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer["Content-Security-Policy"].startswith("default-src 'self';")
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.django_db
def test_only_the_console_may_evaluate_and_no_page_runs_a_script_inside_it(client: Client) -> None:
    assert "unsafe" not in client.get("/")["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval';" in client.get("/admin/")["Content-Security-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/cart/", "/accounts/login/", "/accounts/register/"])
def test_no_page_has_anything_inline_or_from_elsewhere(client: Client, path: str) -> None:
    page = client.get(path).content.decode()

    assert "<style" not in page
    assert " style=" not in page
    assert "<script>" not in page
    assert "//" not in page.replace("<!doctype", "")
