"""The played provider and the real mail server of the orders' tests."""

from tests.orders.conftest import provider, sink

__all__ = ["provider", "sink"]
