from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.policy import Limits, Plan, problems

DEFAULT = Limits(
    max_drop_percent=50, max_zeroed_percent=25, max_bad_percent=5, max_below_reserved=0
)
QUIET = Plan(
    rows=100,
    bad=0,
    skus=100,
    changed=10,
    outdated=0,
    below=0,
    zeroed=0,
    units_before=1000,
    units_after=1000,
)
COUNTS = st.integers(0, 10**6)
PLANS = st.builds(
    Plan,
    **dict.fromkeys(("rows", "bad", "skus", "changed", "outdated", "below", "zeroed"), COUNTS),
    units_before=COUNTS,
    units_after=COUNTS,
)


def test_given_an_ordinary_day_then_nothing_is_wrong() -> None:
    assert problems(QUIET, DEFAULT) == []


@pytest.mark.parametrize(
    ("at_the_limit", "beyond", "sentence"),
    [
        (
            {"units_after": 500},
            {"units_after": 499},
            "Of 1,000 units 501 would go, more than 50 %.",
        ),
        ({"zeroed": 25}, {"zeroed": 26}, "Of 100 products 26 would be empty, more than 25 %."),
        ({"bad": 5}, {"bad": 6}, "Of 100 rows 6 can't be used, more than 5 %."),
        (
            {"below": 0},
            {"below": 1},
            "1 rows say less than is promised to customers, more than 0.",
        ),
    ],
)
def test_given_a_limit_then_it_is_reached_without_a_word_and_told_beyond(
    at_the_limit: dict[str, int], beyond: dict[str, int], sentence: str
) -> None:
    assert problems(replace(QUIET, **at_the_limit), DEFAULT) == []
    assert problems(replace(QUIET, **beyond), DEFAULT) == [sentence]


def test_given_an_empty_feed_or_a_first_delivery_then_nothing_is_wrong() -> None:
    nothing = replace(QUIET, rows=0, skus=0, changed=0, units_before=0, units_after=0)
    assert problems(nothing, DEFAULT) == []
    assert problems(replace(QUIET, units_before=0), DEFAULT) == []


@given(PLANS)
def test_whatever_the_plan_nothing_is_wrong_for_a_supplier_who_may_do_all(plan: Plan) -> None:
    trusting = Limits(
        max_drop_percent=100,
        max_zeroed_percent=100,
        max_bad_percent=100,
        max_below_reserved=10**9,
    )
    told = problems(plan, trusting)
    assert bool(told) == (plan.zeroed > plan.skus or plan.bad > plan.rows)  # no such plans exist
