"""The file's clock runs N times faster than the wall's, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shop.replay.pace import Pace

START = datetime(2010, 12, 1, 8, 26, tzinfo=UTC)


def test_given_a_speed_when_asked_then_an_hour_is_due_in_a_second() -> None:
    now = [100.0]
    pace = Pace(first=START, speed=3600, clock=lambda: now[0])
    later = START + timedelta(hours=2)
    assert pace.seconds_until(START) == 0
    assert pace.seconds_until(later) == 2
    now[0] += 1.5
    assert pace.seconds_until(later) == 0.5
    now[0] += 1
    assert pace.seconds_until(later) == -0.5


def test_given_no_speed_when_asked_then_all_is_due_at_once() -> None:
    assert Pace(first=START, speed=None).seconds_until(START + timedelta(days=7)) == 0
