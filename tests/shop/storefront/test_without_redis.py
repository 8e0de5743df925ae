"""Redis is a convenience of the storefront: every page works without it."""

from __future__ import annotations

import copy

import pytest
from django.conf import settings as django_settings
from django.core.cache import caches
from django.test import Client
from pytest_django import Settings

from orders.models import Order
from tests.shop.goods import product
from tests.shop.storefront.test_checkout import check_out, fill_cart

pytestmark = pytest.mark.django_db

CLOSED_PORT = 1


@pytest.fixture(autouse=True)
def redis_down(settings: Settings, empty_cache: None) -> None:
    broken = copy.deepcopy(django_settings.CACHES)
    broken["default"]["LOCATION"] = f"redis://127.0.0.1:{CLOSED_PORT}/0"
    settings.CACHES = broken
    settings.JOBS_REDIS_URL = broken["default"]["LOCATION"]
    assert caches["default"].get("anything") is None


def test_given_no_redis_when_browsing_then_pages_and_search_work(client: Client) -> None:
    product("MUG", name="Blue mug", units=3)

    assert b"Only 3 left" in client.get("/").content
    assert b"Blue mug" in client.get("/", {"q": "mug"}).content
    assert client.get("/products/MUG/").status_code == 200


def test_given_no_redis_when_buying_then_cart_session_and_order_work(client: Client) -> None:
    product("MUG")
    fill_cart(client, MUG=2)

    answer = check_out(client)

    assert client.get(str(answer["Location"])).status_code == 200
    assert Order.objects.get().lines.get().quantity == 2
