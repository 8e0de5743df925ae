from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.orders.sandbox.serving import Client, Served, client, serving


@pytest.fixture(scope="session")
def served(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One provider for all tests that leave it alive; the database is emptied between them."""
    with serving(tmp_path_factory) as running:
        yield running


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A provider of the test's own, to be killed."""
    with serving(tmp_path_factory) as running:
        yield running


@pytest.fixture
def shop(served: Served) -> Iterator[Client]:
    """A client of the provider."""
    with client(served.url) as asking:
        yield asking
