"""The client in docs/api.md, taken from that page and run against a live shop."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from orders.models import Order
from shop.api import middleware
from shop.api.problems import InFlight
from tests.running import ROOT, Runner
from tests.shop.api.callers import key_of
from tests.shop.goods import product

pytestmark = pytest.mark.django_db(transaction=True)

BLOCKS = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[str]:
    """The page's two examples: the client, and its use."""
    return BLOCKS.findall((ROOT / "docs" / "api.md").read_text())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "shop_client.py").write_text(blocks()[0])
    return tmp_path


@pytest.fixture
def client_module(home: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("shop_client", home / "shop_client.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "shop_client", module)  # for its dataclasses
    spec.loader.exec_module(module)
    return module


def test_given_the_page_then_its_client_is_fully_typed(home: Path) -> None:
    done = subprocess.run(
        # Without reading httpx, which would take half a minute.
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=skip"),
            *("--disable-error-code=no-any-return", "shop_client.py"),
        ],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_given_a_live_shop_then_the_page_s_example_orders_and_sees_the_end(
    home: Path, workers: Runner, live_server: LiveServer, ann: User
) -> None:
    product("GIFT-001", price_minor=1200)
    example = blocks()[1].replace("http://localhost:8000", live_server.url)
    (home / "example.py").write_text(example.replace("shopkey_…", key_of(ann)))

    done = subprocess.run(
        [sys.executable, "example.py"], cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "The order is confirmed." in done.stdout
    assert done.stdout.splitlines()[-1] == "confirmed"
    assert Order.objects.get().user == ann


def test_given_lost_and_busy_answers_then_it_asks_again_with_the_same_key(
    client_module: ModuleType,
    live_server: LiveServer,
    ann: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product("MUG-1")
    shop = client_module.Shop(live_server.url, key_of(ann))
    keys = _disturb(monkeypatch)

    with shop:
        order = shop.order(
            email="ann@example.com", lines=[client_module.Line("MUG-1", 2)], payment_method="pm_ok"
        )
    assert (len(keys), len(set(keys))) == (3, 1)
    assert Order.objects.get().code == order.code


def _disturb(patch: pytest.MonkeyPatch) -> list[str]:
    """The first answer is lost on its way, the second says "busy". Returns the keys that came."""
    keys: list[str] = []
    send, refusal = httpx.Client.request, middleware._refusal

    def lossy(self: httpx.Client, *arguments: object, **content: object) -> httpx.Response:
        answer = send(self, *arguments, **content)  # type: ignore[arg-type]
        if len(keys) == 1:
            raise httpx.ReadError("cut off")
        return answer

    def busy(request: object) -> object:
        keys.append(request.headers["Idempotency-Key"])  # type: ignore[attr-defined]
        return InFlight("busy").response() if len(keys) == 2 else refusal(request)  # type: ignore[arg-type]

    patch.setattr(httpx.Client, "request", lossy)
    patch.setattr(middleware, "_refusal", busy)
    return keys


def test_given_refusals_then_they_say_why(
    client_module: ModuleType, live_server: LiveServer, ann: User
) -> None:
    product("MUG-1", name="Blue mug")
    shop = client_module.Shop(live_server.url, key_of(ann))
    lines = [client_module.Line("NOPE", 1)]

    with shop:
        with pytest.raises(client_module.ShopError, match="can't be placed") as refused:
            shop.order(email="ann@example.com", lines=lines, payment_method="pm_ok")
        with pytest.raises(client_module.ShopError) as missing:
            list(shop.follow("nope"))
        assert [found.name for found in shop.products("blue")] == ["Blue mug"]
    assert (refused.value.status, refused.value.errors[0]["where"]) == (422, "body.lines.0")
    assert missing.value.status == 404


def test_given_a_second_thought_then_the_order_is_cancelled(
    client_module: ModuleType, live_server: LiveServer, ann: User
) -> None:
    product("MUG-1")
    shop = client_module.Shop(live_server.url, key_of(ann))
    with shop:
        order = shop.order(
            email="ann@example.com", lines=[client_module.Line("MUG-1", 1)], payment_method="pm_ok"
        )
        assert shop.cancel(order.code).state == "cancelled"
        assert shop.look(order.code).ended
