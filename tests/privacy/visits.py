"""What customers, operators and other systems do, with canaries wherever a word is taken."""

from __future__ import annotations

import re
import socket
import time
from typing import Any

import httpx

from orders.payments.signature import HEADER, sign
from tests.privacy import canaries
from tests.privacy.house import WEBHOOK_SECRET

EXTRAS = {"street": canaries.STREET, "phone": canaries.PHONE, "name": canaries.FULL_NAME}


class Visitor:
    """A browser, or a program, at the canary's address."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            transport=httpx.HTTPTransport(local_address=canaries.ADDRESS),
            headers={
                "User-Agent": canaries.BROWSER,
                "X-Forwarded-For": canaries.FORWARDED_FOR,
                "X-Forwarded-Proto": "http",
            },
            follow_redirects=True,
            timeout=30,
        )

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.client.get(path, params=query)

    def post(self, path: str, *, page: str = "", **fields: str) -> httpx.Response:
        """Send the form of a page, whose hidden fields it fills in as a browser does."""
        hidden = dict(HIDDEN_FIELD.findall(self.get(page or path).text))
        return self.client.post(path, data={**hidden, **fields})

    def order(self, card: str) -> str:
        """Buy a mug; the code of the order."""
        self.post("/products/MUG-1/", quantity="1")
        return self.check_out(card)

    def check_out(self, card: str) -> str:
        placed = self.post("/checkout/", email=canaries.EMAIL, payment_method=card, **EXTRAS)
        return code_in(placed)

    def register(self) -> None:
        account = {"username": f"{canaries.USERNAME}_{self.port}", "email": canaries.EMAIL}
        passwords = {"password1": canaries.PASSWORD, "password2": canaries.PASSWORD}
        created = self.post("/accounts/register/", **account, **passwords, **EXTRAS)
        assert created.url.path == "/", created.text
        self.post("/accounts/logout/", page="/")
        again = self.post("/accounts/register/", **account, **passwords)
        assert again.status_code == 400
        self.sign_in("wrong " + canaries.PASSWORD)
        assert self.sign_in(canaries.PASSWORD).url.path == "/"

    def sign_in(self, password: str) -> httpx.Response:
        name = f"{canaries.USERNAME}_{self.port}"
        return self.post("/accounts/login/", username=name, password=password)

    def stray(self, code: str) -> None:
        """Addresses that lead nowhere, or don't any more, and words where none belong."""
        self.get("/", q=canaries.EMAIL)
        self.get(f"/orders/{code}/")
        self.get(f"/orders/{code}/timeline")
        for lost in (f"/orders/{code}/more/{canaries.EMAIL}", f"/{canaries.EMAIL}/"):
            assert self.get(lost).status_code == 404
        lost_again = self.post(f"/orders/{code}/again/", page="/")
        assert lost_again.status_code == 404
        forged = self.client.post("/cart/MUG-1/", data=EXTRAS)
        assert forged.status_code == 403

    def send_no_http(self, code: str) -> None:
        text = f"GET /orders/{code}/ HTTP/1.1\r\n{canaries.EMAIL} {canaries.STREET}\r\n\r\n"
        address = ("127.0.0.1", self.port)
        with socket.create_connection(address, 10, (canaries.ADDRESS, 0)) as raw:
            raw.sendall(text.encode())
            assert b" 400 " in raw.recv(4096)


class Program(Visitor):
    """With an API key."""

    def __init__(self, port: int, api_key: str) -> None:
        super().__init__(port)
        self.client.headers["Authorization"] = f"Bearer {api_key}"

    def ask_for(self, key: str, card: str, **more: Any) -> httpx.Response:
        lines = [{"sku": "MUG-1", "quantity": 1}]
        wish = {"email": canaries.EMAIL, "lines": lines, "payment_method": card, **more}
        return self.client.post(
            "/api/checkout", json=wish, headers={"Idempotency-Key": f"{key}-{self.port}"}
        )

    def buy(self, key: str, card: str) -> str:
        made = self.ask_for(key, card)
        assert made.status_code == 201, made.text
        return str(made.json()["code"])

    def stray(self, code: str) -> None:
        assert self.ask_for("refused", canaries.CARD, **EXTRAS).status_code == 422
        assert self.ask_for("no-card", canaries.FULL_NAME).status_code == 422
        form = self.client.post(f"/api/orders/{code}/cancel", data=EXTRAS)
        assert form.status_code == 415
        assert self.get(f"/api/orders/{code}").status_code == 200
        assert self.get(f"/api/orders/{code}x").status_code == 404

    def cancel(self, code: str) -> httpx.Response:
        return self.client.post(f"/api/orders/{code}/cancel")

    def notify(self, order_id: int) -> None:
        """A provider's notice, with more about the customer than we want to know."""
        key = f"order:{order_id}:charge"
        more = f'"email": "{canaries.EMAIL}", "card": "{canaries.CARD}"'
        event = f'{{"id": "ev_{self.port}", "type": "charge.settled", "key": "{key}", {more}}}'
        body = event.encode()
        signature = sign(body, secret=WEBHOOK_SECRET, at=int(time.time()))
        for header, status in ((signature, 204), (canaries.EMAIL, 400)):
            told = self.client.post(
                "/webhooks/payments/sandbox",
                content=body,
                headers={HEADER: header, "Content-Type": "application/json"},
            )
            assert told.status_code == status, told.text


class Operator(Visitor):
    def sign_in_as(self, name: str, password: str) -> None:
        self.post("/admin/login/", username=name, password=password)

    def do(self, deed: str, order_id: int) -> None:
        words = f"{canaries.FULL_NAME}, {canaries.STREET}, {canaries.PHONE}, {canaries.EMAIL}"
        page = f"/admin/orders/order/{order_id}/why/"
        done = self.post(page, deed=deed, reason=words)
        assert done.status_code == 200, done.text

    def look_for(self, text: str) -> None:
        assert self.get("/admin/orders/order/", q=text).status_code == 200


HIDDEN_FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
CODE = re.compile(r"/orders/([\w-]+)/$")


def code_in(answer: httpx.Response) -> str:
    found = CODE.search(answer.url.path)
    assert found, answer.text
    return found[1]
