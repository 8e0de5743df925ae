from __future__ import annotations

import pytest
from pytest_django import Settings

from shop.api.checks import check_api


def test_given_the_defaults_then_there_is_nothing_to_say() -> None:
    assert check_api(None) == []


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("API_READS_PER_MINUTE", 0, "api.E001"),
        ("API_CHECKOUTS_PER_MINUTE", 10**9, "api.E001"),
        ("API_STREAM_S", -1.0, "api.E002"),
        ("API_STREAM_S", 3600.0, "api.E002"),
        ("API_STREAMS_PER_PROCESS", -1, "api.E003"),
    ],
)
def test_given_a_bad_setting_then_one_sentence_says_what_to_set(
    settings: Settings, name: str, value: float, check: str
) -> None:
    setattr(settings, name, value)

    (message,) = check_api(None)
    assert message.id == check
    assert f"Set {name}" in message.msg
