"""The provider tells what happened: signed, at least once, and only when it is to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from django.utils import timezone
from pytest_django import Settings

from orders.payments.signature import HEADER, is_signed
from orders.sandbox import books
from orders.sandbox.models import Charge, Event
from orders.sandbox.requests import ChargeRequest, RefundRequest
from orders.sandbox.telling import tell_next, telling
from stack.waiting import wait_until

pytestmark = pytest.mark.django_db

SECRET = "sandbox-secret"


@dataclass
class Listener:
    """What was told to the shop, and what it answers."""

    told: list[dict[str, str]] = field(default_factory=list)
    unsigned: int = 0
    status: int = 204


@contextmanager
def listening() -> Iterator[tuple[Listener, str]]:
    """A web server that hears the provider, and its address."""
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            signed = is_signed(body, self.headers[HEADER], secret=SECRET, now=time.time())
            listener.unsigned += not signed
            listener.told.append(json.loads(body))
            self.send_response(listener.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield listener, f"http://127.0.0.1:{server.server_port}/hook"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def listener(settings: Settings) -> Iterator[Listener]:
    with listening() as (hears, url):
        settings.SANDBOX_WEBHOOK_URL, settings.SANDBOX_WEBHOOK_SECRET = url, SECRET
        yield hears


def charged(key: str, card: str = "pm_ok") -> Charge:
    wish = ChargeRequest(amount_minor=100, currency="GBP", payment_method=card, description="")
    return books.charge(key=key, wish=wish)


def tell_all() -> int:
    with httpx.Client(trust_env=False) as client:
        told = 0
        while tell_next(client):
            told += 1
        return told


def settle() -> None:
    Charge.objects.filter(state=Charge.State.PENDING).update(settles_at=timezone.now())
    books.settle_due()


def test_given_charges_and_refunds_then_each_is_told_once_and_signed(listener: Listener) -> None:
    charge = charged("order:1:charge")
    charged("order:2:charge", "pm_decline")
    wish = RefundRequest(charge=charge.reference, amount_minor=100)
    books.refund(key="order:1:refund", wish=wish)

    assert (tell_all(), tell_all()) == (3, 0)
    assert {(told["type"], told["key"]) for told in listener.told} == {
        ("charge.succeeded", "order:1:charge"),
        ("charge.declined", "order:2:charge"),
        ("refund.succeeded", "order:1:refund"),
    }
    assert len({told["id"] for told in listener.told}) == 3
    assert listener.unsigned == 0


def test_given_a_pending_charge_then_it_is_told_when_it_settles(listener: Listener) -> None:
    charged("order:1:charge", "pm_slow")
    assert tell_all() == 0

    settle()
    assert tell_all() == 1
    assert Charge.objects.get().state == Charge.State.SUCCEEDED
    assert [told["type"] for told in listener.told] == ["charge.succeeded"]


def test_given_a_shop_that_does_not_listen_then_it_is_told_again_later(listener: Listener) -> None:
    charged("order:1:charge")
    listener.status = 500
    assert (tell_all(), tell_all()) == (1, 0)
    event = Event.objects.get()
    assert event.told_at is None and event.next_try_at > timezone.now()

    listener.status = 204
    Event.objects.update(next_try_at=timezone.now())
    assert (tell_all(), tell_all()) == (1, 0)
    assert listener.told[0] == listener.told[1]


def test_given_a_shop_that_is_not_there_then_nothing_breaks(settings: Settings) -> None:
    settings.SANDBOX_WEBHOOK_URL, settings.SANDBOX_WEBHOOK_SECRET = "http://127.0.0.1:1/", SECRET
    charged("order:1:charge")

    assert (tell_all(), tell_all()) == (1, 0)
    assert Event.objects.get().told_at is None


def test_given_no_address_then_nothing_is_kept(settings: Settings) -> None:
    settings.SANDBOX_WEBHOOK_URL = ""
    charged("order:1:charge", "pm_slow")
    settle()

    assert Charge.objects.get().state == Charge.State.SUCCEEDED
    assert not Event.objects.exists()
    with telling():
        assert "telling" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.django_db(transaction=True, available_apps=["orders.sandbox"])
def test_given_the_providers_thread_then_it_settles_and_tells_by_itself(
    listener: Listener, settings: Settings
) -> None:
    settings.SANDBOX_SETTLE_S = 0.1
    with telling():
        charged("order:1:charge", "pm_slow")
        wait_until(lambda: listener.told, timeout_s=20)
    assert listener.told[0]["key"] == "order:1:charge"
