from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.inventory.web import SupplierSite


@pytest.fixture
def site() -> Iterator[SupplierSite]:
    with SupplierSite() as site:
        yield site
