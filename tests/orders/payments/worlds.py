"""The same things to do with either provider: which card does what, and how to look behind it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from orders.payments.gateway import Gateway
from orders.payments.sandbox import SandboxGateway
from orders.payments.stripe import StripeGateway
from orders.payments.values import Charge
from orders.sandbox import models as sandbox
from stack.waiting import wait_until
from tests.orders.payments import stripe_server
from tests.orders.payments.stripe_server import StripeServer
from tests.orders.sandbox import serving
from tests.orders.sandbox.serving import Served

PATIENT_S = 20.0
IMPATIENT_S = 0.5


@dataclass(frozen=True)
class Cards:
    works: str
    is_declined: str
    needs_time: str
    never_answers: str
    fails_after: str


class World(Protocol):
    """A provider to test a gateway with."""

    cards: Cards

    def gateway(self, *, timeout_s: float = PATIENT_S, api_key: str = "") -> Gateway:
        """A gateway of its own, with the right API key unless told otherwise."""
        ...

    def captured(self) -> int:
        """How many charges took money, by the provider's own books."""
        ...

    def settle(self) -> None:
        """Let what needs time have it."""
        ...

    def in_flight(self, key: str) -> AbstractContextManager[None]:
        """A charge with the key is being worked on until the end of the block."""
        ...


@dataclass
class SandboxWorld:
    served: Served
    cards: Cards = Cards("pm_ok", "pm_decline", "pm_slow", "pm_timeout", "pm_error500_after")

    def gateway(self, *, timeout_s: float = PATIENT_S, api_key: str = "") -> Gateway:
        return SandboxGateway(self.served.url, api_key or serving.KEY, timeout_s)

    def captured(self) -> int:
        succeeded = sandbox.Charge.State.SUCCEEDED
        return sandbox.Charge.objects.filter(state=succeeded).count()

    def settle(self) -> None:
        sandbox.Charge.objects.update(settles_at="2000-01-01T00:00Z")

    @contextmanager
    def in_flight(self, key: str) -> Iterator[None]:
        with (
            ThreadPoolExecutor(1) as pool,
            serving.client(self.served.url) as looking,
            serving.stuck(key),
        ):
            pool.submit(charge, self.gateway(), key, self.cards.works)
            wait_until(
                lambda: looking.get("/charges", key=key).status_code == 409,
                timeout_s=PATIENT_S,
            )
            yield


@dataclass
class StripeWorld:
    server: StripeServer
    cards: Cards = Cards(
        "pm_card_visa",
        "pm_card_chargeDeclined",
        stripe_server.SLOW,
        stripe_server.SILENT,
        stripe_server.ERROR_AFTER,
    )

    def gateway(self, *, timeout_s: float = PATIENT_S, api_key: str = "") -> Gateway:
        return StripeGateway(api_key or stripe_server.API_KEY, self.server.url, timeout_s)

    def captured(self) -> int:
        return self.server.books.captured()

    def settle(self) -> None:
        self.server.books.settle()

    @contextmanager
    def in_flight(self, key: str) -> Iterator[None]:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(charge, self.gateway(), key, stripe_server.HELD)
            assert self.server.books.held.wait(PATIENT_S)
            yield
            self.server.books.released.set()


def charge(gateway: Gateway, key: str, card: str, amount_minor: int = 1250) -> Charge:
    """A charge in which only what tests care about differs."""
    return gateway.charge(
        key=key,
        amount_minor=amount_minor,
        currency="GBP",
        payment_method=card,
        description="Order 1",
    )
