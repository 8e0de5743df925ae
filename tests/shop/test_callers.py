from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from shop.callers import Callers
from tasks.context import Caller, current_caller


def caller_seen(request: HttpRequest) -> Caller:
    seen: list[Caller] = []

    def view(_: HttpRequest) -> HttpResponse:
        seen.append(current_caller())
        return HttpResponse()

    Callers(view)(request)
    return seen[0]


def answer_to(request: HttpRequest) -> HttpResponse:
    return Callers(lambda _: HttpResponse())(request)


def post(user: User | AnonymousUser, rf: RequestFactory) -> HttpRequest:
    request = rf.post("/")
    request.user = user
    return request


def test_given_a_signed_in_user_when_it_posts_then_jobs_carry_its_name(rf: RequestFactory) -> None:
    assert caller_seen(post(User(pk=3), rf)).name == "user:3"


def test_given_two_requests_of_guests_then_each_has_an_id_of_its_own(rf: RequestFactory) -> None:
    first, second = (caller_seen(post(AnonymousUser(), rf)) for _ in range(2))

    assert first.name == second.name == "guest"
    assert first.correlation_id and first.correlation_id != second.correlation_id


def test_given_a_reading_request_then_the_session_is_not_touched(rf: RequestFactory) -> None:
    request = rf.get("/")  # has no user at all

    assert caller_seen(request).name == ""


def test_given_a_request_id_then_jobs_and_the_answer_carry_it(rf: RequestFactory) -> None:
    request = rf.post("/", headers={"X-Request-ID": "proxy-0042.a_b"})
    request.user = AnonymousUser()

    assert caller_seen(request).correlation_id == "proxy-0042.a_b"
    assert answer_to(request).headers["X-Request-ID"] == "proxy-0042.a_b"


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "evil id here", "läuft-nicht"])
def test_given_an_unacceptable_request_id_then_it_gets_a_new_one(
    rf: RequestFactory, given: str
) -> None:
    request = rf.get("/", headers={"X-Request-ID": given})

    assert caller_seen(request).correlation_id not in {"", given}
    assert re.fullmatch("[0-9a-f]{32}", answer_to(request).headers["X-Request-ID"])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_after_a_request_nobody_is_the_caller(rf: RequestFactory, method: str) -> None:
    caller_seen(post(AnonymousUser(), rf))

    assert current_caller() == Caller()
