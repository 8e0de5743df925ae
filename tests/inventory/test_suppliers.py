from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from inventory.checks import check_suppliers
from inventory.models import Supplier
from inventory.suppliers import problems

TOKEN = "t0ken-that-nobody-may-see"


@pytest.fixture(autouse=True)
def places(settings: Settings, tmp_path: Path) -> Path:
    settings.SUPPLIER_FILES_DIR = str(tmp_path)
    settings.SUPPLIER_SECRETS = {
        "WEB": f"bearer acme.example {TOKEN}",
        "PUSH": f"secret {TOKEN}",
        "BAD": TOKEN,
    }
    return tmp_path


WEB = {"feed_url": "https://acme.example/stock.csv"}
JSON = {**WEB, "feed_format": "json"}
FOLDER = {"kind": "folder", "folder": "acme"}
PUSH = {"kind": "push", "credential": "PUSH"}


@pytest.mark.parametrize(
    "values",
    [
        WEB,
        {**WEB, "credential": "WEB"},
        {**JSON, "since_parameter": "changed[since]"},
        {**JSON, "sku_field": "id", "quantity_field": "stock.free"},
        {"feed_url": "file://{}/stock.csv"},
        FOLDER,
        {**FOLDER, "pattern": "stock-*.csv", "sync_every_minutes": 5},
        PUSH,
        {**PUSH, "sync_every_minutes": None},
    ],
)
def test_given_settings_that_go_together_when_checked_then_nothing_is_said(
    places: Path, values: dict[str, Any]
) -> None:
    assert list(problems(made(values, places))) == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "feed_url"),
        ({"feed_url": "acme.example/stock"}, "feed_url"),
        ({"feed_url": "ftp://acme.example/stock"}, "feed_url"),
        ({"feed_url": "https://me:pass@acme.example/"}, "feed_url"),
        ({"feed_url": "https://acme.example:99999/"}, "feed_url"),
        ({"feed_url": "http://[::1"}, "feed_url"),
        ({"feed_url": "file:///etc/passwd"}, "feed_url"),
        ({**WEB, "folder": "acme"}, "folder"),
        ({**WEB, "pattern": "*"}, "pattern"),
        ({**WEB, "since_parameter": "since"}, "since_parameter"),
        ({**JSON, "since_parameter": "a&b"}, "since_parameter"),
        ({**WEB, "credential": "PUSH"}, "credential"),
        ({**WEB, "credential": "BAD"}, "credential"),
        ({**WEB, "credential": "NONE"}, "credential"),
        ({**WEB, "credential": "t0ken"}, "credential"),
        ({**WEB, "sku_field": "id", "quantity_field": "id"}, "quantity_field"),
        ({**WEB, "sync_every_minutes": 0}, "sync_every_minutes"),
        ({**FOLDER, "folder": ""}, "folder"),
        ({**FOLDER, "folder": "../.."}, "folder"),
        ({**FOLDER, "folder": "/etc"}, "folder"),
        ({**FOLDER, "pattern": "../*"}, "pattern"),
        ({**FOLDER, "credential": "WEB"}, "credential"),
        ({**FOLDER, **WEB}, "feed_url"),
        ({**PUSH, "credential": ""}, "credential"),
        ({**PUSH, "credential": "WEB"}, "credential"),
    ],
)
def test_given_settings_that_cannot_be_when_checked_then_the_field_is_told_what_to_do(
    places: Path, values: dict[str, Any], field: str
) -> None:
    found = dict(problems(made(values, places)))
    assert field in found
    assert found[field].endswith(".") and TOKEN not in found[field]


def made(values: dict[str, Any], root: Path) -> Supplier:
    url = str(values.get("feed_url", "")).format(root)
    return Supplier(**{"name": "acme", **values, "feed_url": url})


def test_given_credentials_when_the_shop_boots_then_broken_ones_are_refused() -> None:
    (error,) = check_suppliers(None)
    assert error.id == "suppliers.E001" and "SUPPLIER_CREDENTIALS_BAD" in error.msg
    assert TOKEN not in error.msg
