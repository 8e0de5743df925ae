from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import buckets

durations = st.floats(min_value=0, max_value=20_000)


@given(durations)
def test_a_duration_lies_in_its_bucket(seconds: float) -> None:
    bucket = buckets.bucket_of(seconds)
    assert seconds <= buckets.upper_bound_s(bucket) * 1.000001
    assert bucket == 0 or seconds > buckets.upper_bound_s(bucket - 1) * 0.999999


@given(st.lists(durations, min_size=1), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_percentile_is_never_too_low_and_at_most_a_fifth_too_high(
    seconds: list[float], share: float
) -> None:
    counts: dict[int, int] = {}
    for each in seconds:
        bucket = buckets.bucket_of(each)
        counts[bucket] = counts.get(bucket, 0) + 1
    found = buckets.percentile_s(counts, share)
    exact = sorted(seconds)[max(0, -int(-share * len(seconds) // 1) - 1)]
    assert found is not None
    assert exact * 0.999999 <= found <= max(exact * 1.2, buckets.FIRST_S)


def test_nothing_has_no_percentile() -> None:
    assert buckets.percentile_s({}, 0.5) is None


def test_cumulative_counts_end_with_everything_shorter_than_nine_hours() -> None:
    found = buckets.cumulative({0: 2, 5: 1, 40: 3})
    assert found[0] == (0.001, 2)
    assert found[2][0] == pytest.approx(0.004)
    assert found[2][1] == 3
    assert found[-1][1] == 6
    assert found[-1][0] > 3600 * 4
