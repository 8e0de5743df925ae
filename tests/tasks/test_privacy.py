from __future__ import annotations

import logging
import smtplib
from time import perf_counter

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from tasks.log_lines import JobFields, JsonLines, PlainLines
from tasks.privacy import HIDDEN, scrub

ADDRESS = "zoë.o'hara+shop@mail.example.co.uk"


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "mail for <{}> refused",
        "to:{}, cc",
        "user={}&x=1",
        "https://shop.example/newsletter/{}/",
        "'{}'",
        "{}: no such user",
        '{{"email": "{}"}}',
    ],
)
def test_an_address_is_hidden_and_its_surroundings_stay(text: str) -> None:
    assert scrub(text.format("ann@example.com")) == text.format(HIDDEN)
    assert "example" not in scrub(f"a {ADDRESS} b") and "hara" not in scrub(f"a {ADDRESS} b")
    assert scrub("/?q=ann%40example.com&page=2") == f"/?q={HIDDEN}&page=2"


@pytest.mark.parametrize(
    "text",
    [
        "amqp://shop:secret@rabbit.example:5672//",
        "checkout-4711-19a@localhost:4712",
        "Nobody knows whether Message-ID <order.42.email.refund@shop.example> was sent",
        "@decorated and x @ y",
    ],
)
def test_what_is_no_persons_stays(text: str) -> None:
    assert scrub(text) == text


def test_what_a_mail_server_says_of_a_recipient_is_hidden() -> None:
    refused = smtplib.SMTPRecipientsRefused({"ann@example.com": (550, b"<ann@example.com>: no")})
    assert scrub(str(refused)) == f"{{'{HIDDEN}': (550, b'<{HIDDEN}>: no')}}"


@pytest.mark.django_db
def test_what_postgresql_quotes_is_hidden() -> None:
    User.objects.create(username="Ann (Smith) is here.")
    with pytest.raises(IntegrityError) as unique, transaction.atomic():
        User.objects.create(username="Ann (Smith) is here.")
    with pytest.raises(IntegrityError) as row, transaction.atomic():
        User.objects.update(date_joined=None)
    for caught in (unique, row):
        assert "Smith" in str(caught.value)
        assert "Smith" not in scrub(str(caught.value)) + scrub(repr(caught.value))
    assert f"Key (username)=({HIDDEN}) already exists." in scrub(str(unique.value))
    assert f"Failing row contains ({HIDDEN})." in scrub(str(row.value))


def test_a_project_adds_patterns_of_its_own(settings: Settings) -> None:
    settings.JOBS_PRIVATE_PATTERNS = (r"(?<=customer )\d+",)
    assert scrub("customer 4711 called") == f"customer {HIDDEN} called"


@given(st.text(alphabet="ab.@%40+-<> /:=", max_size=60))
def test_nothing_that_looks_like_an_address_is_left_and_nothing_breaks(text: str) -> None:
    once = scrub(text)
    assert scrub(once) == once


def test_a_long_text_takes_no_time() -> None:
    began = perf_counter()
    scrub("a" * 200_000 + "@" + "Key (" * 1000 + "%40" + "=(" * 1000)
    assert perf_counter() - began < 5


@pytest.mark.parametrize("formatter", [PlainLines("%(message)s"), JsonLines()])
def test_both_forms_of_a_log_line_hide_it_in_message_and_traceback(
    formatter: logging.Formatter,
) -> None:
    try:
        raise ValueError("ann@example.com")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "", 1, "of %s", ("bob@example.com",), info)
    JobFields().filter(record)
    line = formatter.format(record)
    assert "example.com" not in line
    assert "Traceback" in line and HIDDEN in line
