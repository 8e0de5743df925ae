from __future__ import annotations

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

    assert caller_seen(request) == Caller()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_after_a_request_nobody_is_the_caller(rf: RequestFactory, method: str) -> None:
    caller_seen(post(AnonymousUser(), rf))

    assert current_caller() == Caller()
