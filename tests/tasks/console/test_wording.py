from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.console.wording import duration, percent


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0 ms"),
        (0.23, "230 ms"),
        (3.21, "3.2 s"),
        (60, "1 min 0 s"),
        (75, "1 min 15 s"),
        (4000, "1 h 6 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@given(st.floats(min_value=0, max_value=10**9))
def test_every_duration_has_words(seconds: float) -> None:
    assert duration(seconds)[0].isdigit()


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0 %"), (0.0001, "< 0.1 %"), (0.0213, "2.1 %"), (0.5, "50 %"), (1.0, "100 %")],
)
def test_a_share_in_percent_is_never_rounded_to_nothing(share: float, words: str) -> None:
    assert percent(share) == words
