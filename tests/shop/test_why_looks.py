"""An order's "Why?" page in a browser: light and dark, on a desktop and a phone."""

from __future__ import annotations

from itertools import product
from typing import Literal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome

from orders.models import Payment
from tests.orders import makers
from tests.orders.conftest import provider, sink
from tests.orders.provider import ScriptedProvider
from tests.shop.auditor.working import run_once, work_off
from tests.shop.auditor.world import job_of
from tests.shop.storefront.axe import grave, violations
from tests.shop.storefront.visitor import Visitor

__all__ = ["provider", "sink"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def sign_in(visitor: Visitor) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    visitor.open("/healthz")
    cookie = client.cookies["sessionid"].value
    visitor.browser.add_cookie({"name": "sessionid", "value": cookie, "path": "/"})


@pytest.mark.usefixtures("sink")
def test_given_a_confirmed_and_a_stuck_order_then_axe_finds_nothing_grave(
    browser: Chrome, live_server: LiveServer, provider: ScriptedProvider
) -> None:
    visitor = Visitor(browser, live_server)
    mug = makers.product(on_hand=10, name="A red mug")
    confirmed, stuck = makers.order(mug), makers.order(mug)
    provider.script.append("lost_after")
    work_off(confirmed)
    Payment.objects.filter(order=stuck).update(provider="stripe")
    run_once(job_of(stuck))
    sign_in(visitor)
    for width in (1280, 390):
        if width < 1000:
            visitor.take_a_phone(width=width)
        for scheme, order in product(SCHEMES, (confirmed, stuck)):
            visitor.prefer(scheme)  # first: the admin's links fade from one colour to the other
            visitor.open(reverse("admin:orders_why", args=[order.pk]))
            assert grave(violations(visitor)) == []
            assert visitor.width() <= width
