from __future__ import annotations

import pytest
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome

from tests.shop.storefront.visitor import Visitor


@pytest.fixture
def visitor(browser: Chrome, live_server: LiveServer) -> Visitor:
    return Visitor(browser, live_server)
