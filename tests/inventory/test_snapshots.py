from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from inventory.snapshots import Verdict, merge

START = datetime(2026, 1, 1, tzinfo=UTC)

HOURS = st.integers(0, 20)
SNAPSHOTS = st.lists(st.tuples(HOURS, st.integers(0, 50)), min_size=1, max_size=6)
MOVEMENTS = st.lists(st.tuples(HOURS, st.integers(-5, 5)), max_size=8)


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def test_given_sales_after_the_count_when_merged_then_they_stay_sold() -> None:
    done = merge(
        quantity=10, as_of=at(1), moved_since=-3, on_hand=20, reserved=0, merged_as_of=None
    )
    assert (done.verdict, done.on_hand, done.change) == (Verdict.MERGE, 7, -13)


def test_given_a_newer_snapshot_was_merged_when_an_older_one_comes_then_it_is_ignored() -> None:
    done = merge(
        quantity=10, as_of=at(1), moved_since=0, on_hand=20, reserved=0, merged_as_of=at(2)
    )
    assert (done.verdict, done.change) == (Verdict.OUTDATED, 0)


def test_given_two_snapshots_of_one_instant_when_merged_then_the_smaller_counts() -> None:
    for quantity, expected in [(10, 10), (30, 20)]:
        done = merge(
            quantity=quantity,
            as_of=at(2),
            moved_since=0,
            on_hand=20,
            reserved=0,
            merged_as_of=at(2),
        )
        assert done.on_hand == expected


def test_given_promised_units_when_a_snapshot_is_below_them_then_a_person_must_decide() -> None:
    done = merge(quantity=10, as_of=at(1), moved_since=-8, on_hand=9, reserved=3, merged_as_of=None)
    assert (done.verdict, done.on_hand, done.change) == (Verdict.BELOW_RESERVED, 2, 0)


@given(SNAPSHOTS, MOVEMENTS, st.randoms(use_true_random=False))
def test_whatever_the_order_and_the_repetitions_the_stock_ends_the_same(
    snapshots: list[tuple[int, int]], movements: list[tuple[int, int]], dice: Random
) -> None:
    """Every movement has happened; the feeds come late, in any order, some twice."""
    ideal = replay(sorted(snapshots), movements)
    shuffled = snapshots + snapshots[: len(snapshots) // 2]
    dice.shuffle(shuffled)
    assert replay(shuffled, movements) == ideal


def replay(snapshots: list[tuple[int, int]], movements: list[tuple[int, int]]) -> int:
    on_hand = 1000 + sum(units for _, units in movements)
    merged_as_of = None
    for hour, quantity in snapshots:
        done = merge(
            quantity=quantity + 50,  # never below what is promised: nothing is
            as_of=at(hour),
            moved_since=sum(units for moment, units in movements if moment > hour),
            on_hand=on_hand,
            reserved=0,
            merged_as_of=merged_as_of,
        )
        if done.verdict is Verdict.MERGE:
            on_hand += done.change
            merged_as_of = at(hour)
    return on_hand
