"""What payment providers tell: signed, fresh, once, and never believed."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from orders import notices, states
from orders.models import Order, Payment, PaymentNotice
from orders.payments.signature import HEADER, TOLERANCE_S, sign
from orders.placing import LineRequest, place_order
from stack.ports import free_port
from tasks.models import Job, JobState
from tasks.outcomes import Snooze
from tests.running import Runner
from tests.shop.api.serving import serving
from tests.shop.goods import product

pytestmark = pytest.mark.django_db

SECRET, STRIPE_SECRET = "sandbox-secret", "whsec_test"

Tell = Callable[..., Any]


@pytest.fixture(autouse=True)
def expected(settings: Settings) -> None:
    settings.SANDBOX_WEBHOOK_SECRET, settings.STRIPE_WEBHOOK_SECRET = SECRET, STRIPE_SECRET


@pytest.fixture
def order(db: None) -> Order:
    """An order whose money was asked for, and whose checkout waits for the answer."""
    product("MUG-1")
    order = place_order(
        email="ann@example.com", lines=[LineRequest("MUG-1", 1)], payment_method="pm_slow"
    )
    states.reserved(order.pk)
    states.payment_charging(order.pk)
    Job.objects.update(run_at="2100-01-01T00:00Z")
    return order


def tell_sandbox(
    client: Client, key: str, *, event: str = "evt_1", secret: str = SECRET, age_s: float = 0
) -> Any:
    body = json.dumps({"id": event, "type": "charge.succeeded", "key": key}).encode()
    signature = sign(body, secret=secret, at=int(time.time() - age_s))
    return _post(client, "sandbox", body, {HEADER: signature})


def tell_stripe(
    client: Client, key: str, *, event: str = "evt_1", secret: str = STRIPE_SECRET, age_s: float = 0
) -> Any:
    """As Stripe writes it: https://docs.stripe.com/webhooks#verify-manually"""
    intent = {"id": "pi_1", "object": "payment_intent", "metadata": {"idempotency_key": key}}
    whole = {"id": event, "type": "payment_intent.succeeded", "data": {"object": intent}}
    body = json.dumps(whole).encode()
    at = int(time.time() - age_s)
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, sha256).hexdigest()
    return _post(client, "stripe", body, {"Stripe-Signature": f"t={at},v1={digest}"})


def _post(client: Client, provider: str, body: bytes, headers: dict[str, str]) -> Any:
    path = f"/webhooks/payments/{provider}"
    return client.post(path, body, "application/json", headers=headers)


def heeding() -> list[Job]:
    return list(Job.objects.filter(task="orders.heed_notice"))


each_provider = pytest.mark.parametrize("tell", [tell_sandbox, tell_stripe])


@each_provider
def test_given_a_notice_then_it_is_stored_and_a_job_will_ask(
    client: Client, order: Order, tell: Tell
) -> None:
    answer = tell(client, f"order:{order.pk}:charge")

    assert (answer.status_code, answer.content) == (204, b"")
    assert PaymentNotice.objects.get().key == f"order:{order.pk}:charge"
    assert [job.subject for job in heeding()] == [order.reference]
    # It said "succeeded", and nobody believed it.
    assert Payment.objects.get().state == Payment.State.CHARGING


@each_provider
def test_given_the_same_event_again_then_nothing_more_happens(
    client: Client, order: Order, tell: Tell
) -> None:
    key = f"order:{order.pk}:charge"
    assert [tell(client, key).status_code for _ in range(3)] == [204] * 3
    assert (PaymentNotice.objects.count(), len(heeding())) == (1, 1)

    tell(client, key, event="evt_2")
    assert (PaymentNotice.objects.count(), len(heeding())) == (2, 2)


@each_provider
@pytest.mark.parametrize("wrong", [{"secret": "another"}, {"age_s": TOLERANCE_S + 5}])
def test_given_a_wrong_or_old_signature_then_it_is_refused(
    client: Client, order: Order, tell: Tell, wrong: dict[str, Any]
) -> None:
    answer = tell(client, f"order:{order.pk}:charge", **wrong)

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert not PaymentNotice.objects.exists()


@pytest.mark.parametrize("provider", ["sandbox", "stripe"])
@pytest.mark.parametrize("header", ["", "t=1,v1=", "t=x,v1=y", "v1=abc", "t=1", "nonsense=\xe9"])
def test_given_a_signature_that_is_none_then_it_is_refused(
    client: Client, provider: str, header: str
) -> None:
    headers = {HEADER: header, "Stripe-Signature": header}
    assert _post(client, provider, b"{}", headers).status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"id": 1}', b'{"id": "\\u0000"}'])
def test_given_a_signed_body_that_is_no_event_then_it_is_refused(
    client: Client, body: bytes
) -> None:
    headers = {HEADER: sign(body, secret=SECRET, at=int(time.time()))}
    assert _post(client, "sandbox", body, headers).status_code in {400, 415}
    assert not PaymentNotice.objects.exists()


def test_given_a_changed_body_then_the_signature_does_not_fit(client: Client) -> None:
    signature = sign(b'{"key": "order:1:charge"}', secret=SECRET, at=int(time.time()))
    answer = _post(client, "sandbox", b'{"key": "order:2:charge"}', {HEADER: signature})
    assert answer.status_code == 400


@pytest.mark.parametrize("provider", ["sandbox", "stripe"])
def test_given_no_secret_then_there_is_nothing_at_the_address(
    client: Client, settings: Settings, provider: str
) -> None:
    settings.SANDBOX_WEBHOOK_SECRET = settings.STRIPE_WEBHOOK_SECRET = ""
    tell = {"sandbox": tell_sandbox, "stripe": tell_stripe}[provider]

    assert tell(client, "order:1:charge", secret="").status_code == 404


@each_provider
@pytest.mark.parametrize("key", ["", "subscription:7", "order:999999:charge", "order:1:charge; --"])
def test_given_a_notice_about_something_else_then_it_is_taken_and_nothing_done(
    client: Client, tell: Tell, key: str
) -> None:
    answer = tell(client, key)

    assert answer.status_code == (400 if tell is tell_sandbox and not key else 204)
    assert heeding() == []


def test_given_a_payment_that_is_settled_then_no_job_is_needed(
    client: Client, order: Order
) -> None:
    states.payment_captured(order.pk, provider_reference="ch_1")
    tell_sandbox(client, f"order:{order.pk}:charge")

    assert heeding() == []


def test_given_a_waiting_checkout_then_heeding_makes_it_due_at_once(order: Order) -> None:
    notices.heed(order_id=order.pk)

    assert Job.objects.get(task="orders.advance_checkout").run_at.year < 2100


def test_given_a_checkout_at_work_then_heeding_looks_again(order: Order) -> None:
    Job.objects.update(state=JobState.RUNNING)

    with pytest.raises(Snooze):
        notices.heed(order_id=order.pk)


def test_given_a_dead_checkout_then_heeding_asks_anew(order: Order) -> None:
    Job.objects.update(state=JobState.DEAD)
    notices.heed(order_id=order.pk)

    live = Job.objects.get(state=JobState.SCHEDULED)
    assert (live.task, live.subject) == ("orders.advance_checkout", order.reference)


def test_given_old_notices_then_they_are_deleted_after_a_month(
    client: Client, order: Order
) -> None:
    tell_sandbox(client, f"order:{order.pk}:charge")
    PaymentNotice.objects.update(received_at="2020-01-01T00:00Z")
    tell_sandbox(client, f"order:{order.pk}:charge", event="evt_2")

    assert notices.prune() == 1
    assert PaymentNotice.objects.get().event_id == "evt_2"


@pytest.mark.django_db(transaction=True)
def test_given_a_provider_that_tells_then_a_slow_payment_is_known_sooner(
    runner: Runner, tmp_path: Path, wait_until: Callable[..., object]
) -> None:
    """Given a payment that settles while its checkout waits a minute / Then it does not wait."""
    web, provider = free_port(), free_port()
    env = {
        "SANDBOX_PAYMENTS_URL": f"http://127.0.0.1:{provider}",
        "SANDBOX_PAYMENTS_KEY": "test-key",
        "SANDBOX_SETTLE_S": "5",
        "SANDBOX_WEBHOOK_URL": f"http://127.0.0.1:{web}/webhooks/payments/sandbox",
        "SANDBOX_WEBHOOK_SECRET": SECRET,
    }
    with serving(tmp_path / "web", port=web, env=env):
        runner.start_provider(provider, env=env)
        runner.start_dispatcher(env=env)
        runner.start_worker(("checkout",), env=env)
        product("MUG-1")
        order = place_order(
            email="ann@example.com", lines=[LineRequest("MUG-1", 1)], payment_method="pm_slow"
        )
        # As if it had been asked often already: its next look is far away.
        wait_until(lambda: put_off(order), what="the checkout to wait")

        wait_until(lambda: Order.objects.get(pk=order.pk).state == "confirmed")
    assert PaymentNotice.objects.get().key == f"order:{order.pk}:charge"


def put_off(order: Order) -> bool:
    waiting = Job.objects.filter(
        subject=order.reference, task="orders.advance_checkout", state=JobState.SCHEDULED
    ).exclude(attempt=0)
    return bool(waiting.update(run_at="2100-01-01T00:00Z"))
