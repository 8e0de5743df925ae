from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from orders import cashier
from stack.services import Services
from tests.orders.house import House
from tests.orders.provider import ScriptedProvider
from tests.orders.sink import SmtpSink
from tests.running import Runner


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> ScriptedProvider:
    """A provider whose answers the test scripts, in place of the configured gateway."""
    scripted = ScriptedProvider()
    settings.PAYMENT_GATEWAY = scripted.name
    monkeypatch.setattr(cashier, "configured_gateway", lambda: scripted)
    return scripted


@pytest.fixture
def sink(settings: Settings) -> Iterator[SmtpSink]:
    """A real SMTP server on a free port, and the settings that send to it."""
    with SmtpSink() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = running.address
        settings.EMAIL_TIMEOUT = 2
        yield running


@pytest.fixture
def house(runner: Runner, services: Services, sink: SmtpSink) -> House:
    """The whole shop in processes of its own, ready to be broken."""
    return House(runner, services, sink)
