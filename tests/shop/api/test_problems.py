"""Whatever goes wrong below /api/ and /webhooks/ is told as RFC 9457 has it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from inventory import catalogue
from tests.shop.api.callers import Program

pytestmark = pytest.mark.django_db


def is_problem(answer: Any, status: int) -> bool:
    body = answer.json()
    return (
        answer.status_code == body["status"] == status
        and answer["Content-Type"] == "application/problem+json"
        and set(body) <= {"type", "title", "status", "detail", "errors"}
        and all(body[name] for name in ("type", "title", "detail"))
    )


@pytest.mark.parametrize(
    "path", ["/api/", "/api/nowhere", "/api/orders/", "/webhooks/payments/nowhere"]
)
def test_given_no_such_address_then_it_is_a_problem(client: Client, path: str) -> None:
    assert is_problem(client.get(path), 404)


def test_given_another_method_then_it_says_which_is_allowed(client: Client) -> None:
    for path, allowed in (("/api/products", "GET"), ("/webhooks/payments/stripe", "POST")):
        answer = client.delete(path)
        assert is_problem(answer, 405)
        assert answer["Allow"] == allowed


@pytest.mark.parametrize("body", ["{", "", "\xff", '{"a":' * 100_000])
def test_given_a_body_that_is_no_json_then_it_is_a_problem(program: Program, body: str) -> None:
    answer = program.post("/checkout", body, **{"Idempotency-Key": "1"})
    assert is_problem(answer, answer.status_code)
    assert answer.status_code in {400, 422}


def test_given_a_form_then_it_is_not_read(client: Client) -> None:
    assert is_problem(client.post("/api/checkout", {"email": "ann@example.com"}), 415)


def test_given_a_body_beyond_all_measure_then_it_is_not_read(program: Program) -> None:
    answer = program.post("/checkout", "[" * 3_000_000, **{"Idempotency-Key": "1"})
    assert is_problem(answer, 413)


def test_given_a_wrong_host_then_it_is_a_problem(client: Client) -> None:
    assert is_problem(client.get("/api/products", headers={"Host": "evil.example"}), 400)


def test_given_a_bug_then_it_is_a_problem_that_tells_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(catalogue, "list_products", broken)
    client.raise_request_exception = False

    answer = client.get("/api/products")
    assert is_problem(answer, 500)
    assert "secret" not in answer.content.decode()


def test_given_other_pages_then_they_stay_as_they_are(client: Client) -> None:
    assert client.get("/nowhere")["Content-Type"].startswith("text/html")


def test_given_a_refusal_then_it_does_not_repeat_what_was_sent(program: Program) -> None:
    sent = {"email": "ann@example.com\0", "lines": "ann@example.com", "payment_method": "pm_ok"}
    answer = program.post("/checkout", sent, **{"Idempotency-Key": "1"})

    assert is_problem(answer, 422)
    assert "example.com" not in answer.content.decode()
