from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from orders.sandbox.models import Charge, IdempotencyRecord, Refund
from tests.orders.sandbox.serving import Client, Served, client, serve
from tests.running import Runner


@pytest.fixture(scope="session")
def served(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One provider for all tests that leave it alive; the database is emptied between them."""
    runner = Runner(tmp_path_factory.mktemp("sandbox"))
    try:
        yield serve(runner)
    finally:
        runner.stop_all()


@pytest.fixture
def books(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The provider's tables, emptied afterwards: what its process commits, no rollback undoes.

    Truncating all tables, as `transactional_db` does, would take longer than most of the tests.
    """
    with django_db_blocker.unblock():
        yield
        for model in (Refund, Charge, IdempotencyRecord):
            model._default_manager.all().delete()


@pytest.fixture
def mortal(books: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A provider of the test's own, to be killed."""
    runner = Runner(tmp_path_factory.mktemp("sandbox"))
    try:
        yield serve(runner)
    finally:
        runner.stop_all()


@pytest.fixture
def shop(served: Served, books: None) -> Iterator[Client]:
    """A client of the provider."""
    with client(served.url) as asking:
        yield asking
