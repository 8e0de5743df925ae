"""The shop's end of the sandbox provider (`orders.sandbox`), over HTTP like any other."""

from __future__ import annotations

from typing import Any

import httpx

from orders.payments.errors import GatewayBusy, GatewayRefused, GatewayUnavailable
from orders.payments.values import Charge, Refund

PAYMENT_REQUIRED = 402
BUSY = (409, 429)


class SandboxGateway:
    """See `orders.payments.gateway.Gateway`. `timeout_s` bounds each wait for the provider."""

    name = "sandbox"

    def __init__(self, url: str, api_key: str, timeout_s: float) -> None:
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 2.0)),
        )

    def charge(
        self, *, key: str, amount_minor: int, currency: str, payment_method: str, description: str
    ) -> Charge:
        return _charge(
            self._ask(
                "POST",
                "/charges",
                key=key,
                json={
                    "amount_minor": amount_minor,
                    "currency": currency,
                    "payment_method": payment_method,
                    "description": description,
                },
            )
        )

    def refund(self, *, key: str, charge_reference: str, amount_minor: int) -> Refund:
        body = {"charge": charge_reference, "amount_minor": amount_minor}
        return _refund(self._ask("POST", "/refunds", key=key, json=body))

    def find_charge(self, *, key: str) -> Charge | None:
        found = self._ask("GET", "/charges", params={"key": key})["data"]
        return _charge(found[0]) if found else None

    def find_refund(self, *, key: str) -> Refund | None:
        found = self._ask("GET", "/refunds", params={"key": key})["data"]
        return _refund(found[0]) if found else None

    def _ask(self, method: str, path: str, *, key: str = "", **content: Any) -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        try:
            answer = self._client.request(method, path, headers=headers, **content)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise GatewayUnavailable(f"The sandbox gave no answer: {reason}") from error
        return _read(answer)


def _read(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code in BUSY:
        raise GatewayBusy(_message(answer), retry_after_s=_retry_after_s(answer))
    if answer.is_success or answer.status_code == PAYMENT_REQUIRED:
        try:
            body: dict[str, Any] = answer.json()
        except ValueError as error:
            raise GatewayUnavailable("The sandbox answered something that is no JSON.") from error
        return body
    if answer.is_client_error:
        raise GatewayRefused(f"The sandbox refused: {_message(answer)}")
    raise GatewayUnavailable(f"The sandbox failed ({answer.status_code}): {_message(answer)}")


def _charge(body: dict[str, Any]) -> Charge:
    return Charge(
        reference=body["id"],
        state=body["state"],
        amount_minor=body["amount_minor"],
        currency=body["currency"],
        message=body["message"],
    )


def _refund(body: dict[str, Any]) -> Refund:
    return Refund(reference=body["id"], state=body["state"], amount_minor=body["amount_minor"])


def _retry_after_s(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 1.0


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200] or answer.reason_phrase
