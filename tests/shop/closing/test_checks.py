"""A check finds what is missing and what is too much, and one can't hide the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shop.closing.checks import Check, Closing, agreement, difference

COUNTS = st.dictionaries(st.integers(1, 5), st.integers(0, 5))


@given(COUNTS, COUNTS)
def test_given_two_records_when_compared_then_the_gap_is_their_difference(
    expected: dict[int, int], found: dict[int, int]
) -> None:
    gap = difference(expected=expected, found=found)
    assert gap.surplus - gap.missing == sum(found.values()) - sum(expected.values())


@given(COUNTS, COUNTS)
def test_given_two_records_when_compared_then_only_equal_ones_pass(
    expected: dict[int, int], found: dict[int, int]
) -> None:
    same = {k: v for k, v in expected.items() if v} == {k: v for k, v in found.items() if v}
    assert agreement("a", found, "b", expected).ok == same


def test_given_one_too_few_and_one_too_many_when_compared_then_both_are_seen() -> None:
    check = agreement("charges", {1: 2}, "paid orders", {1: 1, 2: 1})
    assert (check.found, check.expected) == (2, 2)
    assert (check.lost, check.doubled, check.ok) == (1, 1, False)


def test_given_checks_when_closed_then_their_faults_are_added_up() -> None:
    good = Check(name="a", found=1, expected=1, expected_name="b")
    bad = Check(name="c", found=3, expected=1, expected_name="d", doubled=1, oversold=1)
    closing = Closing(title="t", tallies=(), checks=(good, bad))
    assert (closing.lost, closing.doubled, closing.oversold) == (0, 1, 1)
    assert not closing.ok
    assert Closing(title="t", tallies=(), checks=(good,)).ok
