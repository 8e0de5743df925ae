from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome

from tests.orders.conftest import provider, sink
from tests.shop.storefront.visitor import Visitor

__all__ = ["provider", "sink"]


@pytest.fixture
def operator(browser: Chrome, live_server: LiveServer) -> Visitor:
    """A member of the staff with the role of an operator, signed in."""
    return signed_in(Visitor(browser, live_server), "operator")


@pytest.fixture
def admin(browser: Chrome, live_server: LiveServer) -> Visitor:
    """One who may do everything, signed in."""
    return signed_in(Visitor(browser, live_server), "admin")


def signed_in(visitor: Visitor, role: str) -> Visitor:
    user = User.objects.create_user(f"olga-{role}", is_staff=True)
    user.groups.set([Group.objects.get(name=role)])
    client = Client()
    client.force_login(user)
    visitor.open("/admin/login/")
    cookie = client.cookies["sessionid"].value
    visitor.browser.add_cookie({"name": "sessionid", "value": cookie, "path": "/"})
    return visitor
