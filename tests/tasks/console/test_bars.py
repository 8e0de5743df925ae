from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tasks.console.bars import HEIGHT, WIDTH, bars_of
from tasks.statistics import Step

BEGAN = datetime(2026, 5, 4, 12, tzinfo=UTC)
COUNTS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=180)


@given(COUNTS)
def test_bars_stay_inside_stand_on_each_other_and_none_of_something_is_invisible(
    counts: list[tuple[int, int]],
) -> None:
    steps = [
        Step(start=BEGAN + timedelta(minutes=place), succeeded=good, failed=bad)
        for place, (good, bad) in enumerate(counts)
    ]

    drawn = bars_of(steps)

    assert drawn.top == max((good + bad for good, bad in counts), default=0)
    for bar, (good, bad) in zip(drawn.bars, counts, strict=True):
        assert bar.x >= 0 and bar.x + bar.width <= WIDTH + 0.02
        assert (bar.good_height > 0) == (good > 0)
        assert (bar.bad_height > 0) == (bad > 0)
        assert abs(bar.good_y + bar.good_height - HEIGHT) < 0.02
        assert abs(bar.bad_y + bar.bad_height - bar.good_y) < 0.02
        assert bar.bad_y >= -1.52  # what is too low to be seen is drawn a little higher
