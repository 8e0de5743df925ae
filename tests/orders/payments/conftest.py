from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.orders.payments.stripe_server import StripeServer, stripe_server
from tests.orders.payments.worlds import SandboxWorld, StripeWorld, World
from tests.orders.sandbox.serving import Served, serving


@pytest.fixture(scope="session")
def served(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One sandbox provider for all these tests."""
    with serving(tmp_path_factory) as running:
        yield running


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with stripe_server() as running:
        yield running


@pytest.fixture(params=["sandbox", "stripe"])
def world(request: pytest.FixtureRequest) -> World:
    """Both providers in turn."""
    if request.param == "sandbox":
        return SandboxWorld(request.getfixturevalue("served"))
    return StripeWorld(request.getfixturevalue("stripe"))
