"""Goals are judged on medians, as ratios where something is beside it."""

from __future__ import annotations

from bench.results import Comparison, Series, markdown


def series(*values: float, unit: str = "/s") -> Series:
    return Series(values=values, unit=unit)


def test_given_another_when_compared_then_the_ratio_of_medians_counts() -> None:
    row = Comparison(
        name="no-op jobs",
        ours=series(600, 1, 700),
        other=series(1000, 1000, 5),
        other_name="plain",
        at_least=0.6,
    )
    assert row.figure == 0.6
    assert row.cells == ("no-op jobs", "600 /s", "1,000 /s (plain)", "0.6 ×", "≥ 0.6 × ✓")


def test_given_a_limit_when_exceeded_then_it_says_so() -> None:
    row = Comparison(name="start", ours=series(25, unit="ms"), at_most=20)
    assert row.cells == ("start", "25 ms", "", "", "≤ 20 ms ✗")


def test_given_no_goal_when_compared_then_nothing_is_judged() -> None:
    assert Comparison(name="start", ours=series(25, unit="ms")).met is None


def test_given_rows_when_written_for_the_docs_then_they_are_a_markdown_table() -> None:
    text = markdown([Comparison(name="start", ours=series(25, unit="ms"), at_most=20)])
    assert text.splitlines() == [
        "| measured | ours | beside it | ratio | goal |",
        "| --- | --- | --- | --- | --- |",
        "| start | 25 ms |  |  | ≤ 20 ms ✗ |",
    ]
