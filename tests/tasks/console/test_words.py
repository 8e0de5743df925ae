from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tasks.console import words
from tasks.job_filter import JobFilter
from tasks.models import JobState

ID = UUID("0190a0a0-0000-7000-8000-000000000001")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
TIMES = st.none() | st.datetimes(timezones=st.just(UTC))
FILTERS = st.builds(
    JobFilter,
    task=st.just("") | TEXT,
    states=st.lists(st.sampled_from(JobState), unique=True).map(tuple),
    queue=st.just("") | TEXT,
    subject=st.just("") | TEXT,
    tag=st.just("") | TEXT,
    error=st.just("") | TEXT,
    error_group=st.just("") | TEXT,
    argument=st.just("") | TEXT,
    correlation_id=st.just("") | TEXT,
    since=TIMES,
    until=TIMES,
    ids=st.lists(st.uuids()).map(tuple),
)


@given(FILTERS)
def test_words_that_were_written_mean_the_same_when_they_are_read(chosen: JobFilter) -> None:
    assert words.read(words.write(chosen)) == chosen


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(words.read(text), JobFilter)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("task:sample.note", JobFilter(task="sample.note")),
        ("jobs.prune", JobFilter(task="jobs.prune")),  # a task that there is
        ("state:dead", JobFilter(states=(JobState.DEAD,))),
        ("state:dead,expired", JobFilter(states=(JobState.DEAD, JobState.EXPIRED))),
        ("queue:email tag:x", JobFilter(queue="email", tag="x")),
        ("order:42", JobFilter(subject="order:42")),
        ("subject:order:42", JobFilter(subject="order:42")),
        ("arg:42", JobFilter(argument="42")),
        ('arg:"visa card"', JobFilter(argument="visa card")),
        ('error:"timed out"', JobFilter(error="timed out")),
        ("ReadError: timed out", JobFilter(error="ReadError: timed out")),
        ("correlation:abc", JobFilter(correlation_id="abc")),
        (str(ID), JobFilter(ids=(ID,))),
        (f"id:{ID}", JobFilter(ids=(ID,))),
        ("until:2026-05-04T12:00", JobFilter(until=datetime(2026, 5, 4, 12, tzinfo=UTC))),
        ("", JobFilter()),
    ],
)
def test_what_people_type_means(text: str, meant: JobFilter) -> None:
    assert words.read(text) == meant


def test_an_age_counts_from_now() -> None:
    since = words.read("since:2h").since
    assert since is not None
    assert abs(timezone.now() - timedelta(hours=2) - since) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("state:broken", "no state"),
        ("since:yesterday", "no time"),
        ("id:42", "no job's id"),
        ('error:"timed', "quotation mark"),
        ("task:a task:b", "given twice"),
        ("state:dead state:expired", "given twice"),
    ],
)
def test_what_means_nothing_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        words.read(text)


def test_the_filters_of_a_list_are_words_too_and_others_are_refused() -> None:
    address = {"q": "order:42", "state__exact": "dead", "queue": "email", "p": "2"}
    assert words.of_list(address) == JobFilter(
        subject="order:42", states=(JobState.DEAD,), queue="email"
    )
    with pytest.raises(ValueError, match="attempt__gt"):
        words.of_list({"attempt__gt": "3"})
