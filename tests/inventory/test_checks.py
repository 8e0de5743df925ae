"""`manage.py check` on the settings of the stock sync."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django.fixtures import Settings

from inventory.checks import check_sync


def found() -> list[str]:
    return [str(message.id) for message in check_sync(None)]


def test_given_the_shops_own_settings_then_nothing_is_said() -> None:
    assert found() == []


@pytest.mark.parametrize(
    "name", ["CHUNK_ROWS", "GIVES_WAY_AFTER_S", "GIVES_WAY_FOR_S", "KEEP_RUNS"]
)
@pytest.mark.parametrize("value", ["10", None, True, 0, -1, float("nan"), float("inf")])
def test_given_a_number_of_a_wrong_kind_then_it_is_refused(
    settings: Settings, name: str, value: object
) -> None:
    setattr(settings, f"SYNC_{name}", value)

    (error,) = check_sync(None)

    assert error.id == "sync.E001"
    assert f"SYNC_{name} must be a" in error.msg


@pytest.mark.parametrize("name", ["CHUNK_ROWS", "KEEP_RUNS"])
def test_given_a_part_of_a_row_or_run_then_it_is_refused(settings: Settings, name: str) -> None:
    setattr(settings, f"SYNC_{name}", 2.5)

    assert found() == ["sync.E001"]


@pytest.mark.parametrize("value", ["checkout", None, 5, ("checkout", 5)])
def test_given_no_names_of_queues_then_they_are_refused(settings: Settings, value: object) -> None:
    settings.SYNC_GIVES_WAY_TO = value

    (error,) = check_sync(None)

    assert error.id == "sync.E001"
    assert "SYNC_GIVES_WAY_TO must be names of queues" in error.msg


def test_given_a_setting_that_is_not_there_then_it_is_refused(settings: Settings) -> None:
    settings.SYNC_CHUNK_ROW = 10

    assert found() == ["sync.E001"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("GIVES_WAY_TO", ("chekout",), ["sync.E002"]),
        ("GIVES_WAY_TO", ("checkout", "stock"), ["sync.E003"]),
        ("GIVES_WAY_TO", (), []),
        ("CHUNK_ROWS", 5_000, []),
        ("CHUNK_ROWS", 10_000, ["sync.W001"]),
        ("GIVES_WAY_FOR_S", 30, []),
        ("GIVES_WAY_FOR_S", 60, ["sync.W002"]),
        ("GIVES_WAY_AFTER_S", 5, []),
        ("GIVES_WAY_AFTER_S", 6, ["sync.W003"]),
    ],
)
def test_given_values_that_do_not_go_together_then_the_check_says_so(
    settings: Settings, name: str, value: object, expected: list[str]
) -> None:
    setattr(settings, f"SYNC_{name}", value)

    assert found() == expected


def test_given_a_broken_setting_then_manage_py_check_ends_with_it(settings: Settings) -> None:
    settings.SYNC_KEEP_RUNS = 0

    with pytest.raises(SystemCheckError, match=r"sync\.E001.*SYNC_KEEP_RUNS"):
        call_command("check", tags=["sync"], stdout=StringIO())
