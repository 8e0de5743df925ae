"""The shop's end of the sandbox provider (`orders.sandbox`), over HTTP like any other provider."""

from __future__ import annotations

from typing import Any, cast

import httpx

from orders.payments.errors import (
    GatewayBusy,
    GatewayNotDone,
    GatewayRefused,
    GatewayUnavailable,
)
from orders.payments.values import Charge, ChargeState, Refund, RefundState

# The provider is near; one that takes longer to accept a connection is not there.
CONNECT_TIMEOUT_S = 2.0

BUSY = (httpx.codes.CONFLICT, httpx.codes.TOO_MANY_REQUESTS)
INVALID = httpx.codes.BAD_REQUEST
CHARGE_STATES = ("succeeded", "declined", "pending")
REFUND_STATES = ("succeeded", "pending")


class SandboxGateway:
    """See `orders.payments.gateway.Gateway`. `timeout_s` bounds each wait for the provider."""

    name = "sandbox"

    def __init__(self, url: str, api_key: str, timeout_s: float) -> None:
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S)),
            trust_env=False,  # a proxy for the internet must not get to see it
        )

    def charge(
        self, *, key: str, amount_minor: int, currency: str, payment_method: str, description: str
    ) -> Charge:
        wish = {
            "amount_minor": amount_minor,
            "currency": currency,
            "payment_method": payment_method,
            "description": description,
        }
        return _charge(self._make("/charges", key, wish))

    def refund(self, *, key: str, charge_reference: str, amount_minor: int) -> Refund:
        wish = {"charge": charge_reference, "amount_minor": amount_minor}
        return _refund(self._make("/refunds", key, wish))

    def find_charge(self, *, key: str) -> Charge | None:
        found = self._find("/charges", key)
        return _charge(found) if found else None

    def find_refund(self, *, key: str) -> Refund | None:
        found = self._find("/refunds", key)
        return _refund(found) if found else None

    def _make(self, path: str, key: str, wish: dict[str, Any]) -> dict[str, Any]:
        answer = self._ask("POST", path, headers={"Idempotency-Key": key}, json=wish)
        made = _read(answer)
        if "Idempotent-Replayed" in answer.headers and made.get("state") == "pending":
            # That was the first answer. How does it stand now?
            return _read(self._ask("GET", f"{path}/{made.get('id')}"))
        return made

    def _find(self, path: str, key: str) -> dict[str, Any] | None:
        found = _read(self._ask("GET", path, params={"key": key})).get("data")
        # "No" is relied upon, so only an empty list is one.
        if not isinstance(found, list) or any(not isinstance(made, dict) for made in found):
            raise GatewayUnavailable("The sandbox answered a look-up with something else.")
        return found[0] if found else None

    def _ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **content)
        except (httpx.HTTPError, httpx.StreamError) as error:
            reason = str(error) or type(error).__name__
            raise GatewayUnavailable(f"The sandbox gave no answer: {reason}") from error


def _read(answer: httpx.Response) -> dict[str, Any]:
    """The body of a success. Raises the gateway's error of anything else."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        # Not the provider, whatever the status: a proxy, or something else on its port.
        raise GatewayUnavailable(f"The sandbox answered {answer.status_code} without JSON.")
    if answer.is_success:
        return body
    raise _error(answer, body)


def _error(answer: httpx.Response, body: dict[str, Any]) -> Exception:
    problem = body.get("error")
    if not isinstance(problem, dict):
        return GatewayUnavailable(f"The sandbox answered {answer.status_code} without a reason.")
    reason = f"The sandbox answered {answer.status_code}: {problem.get('message')}"
    if answer.status_code in BUSY:
        return GatewayBusy(reason, retry_after_s=_retry_after_s(answer))
    if not answer.is_client_error:
        return GatewayUnavailable(reason)
    if answer.status_code == INVALID and answer.request.method == "POST":
        return GatewayNotDone(reason)
    return GatewayRefused(reason)


def _charge(body: dict[str, Any]) -> Charge:
    return Charge(
        reference=_text(body, "id"),
        state=cast(ChargeState, _one_of(CHARGE_STATES, body)),
        amount_minor=_amount(body),
        currency=_text(body, "currency"),
        message=_text(body, "message"),
    )


def _refund(body: dict[str, Any]) -> Refund:
    return Refund(
        reference=_text(body, "id"),
        state=cast(RefundState, _one_of(REFUND_STATES, body)),
        amount_minor=_amount(body),
    )


def _text(body: dict[str, Any], name: str) -> str:
    if not isinstance(body.get(name), str):
        raise GatewayUnavailable(f"The sandbox's answer has no proper {name!r}.")
    return str(body[name])


def _one_of(states: tuple[str, ...], body: dict[str, Any]) -> str:
    if body.get("state") not in states:
        raise GatewayUnavailable(f"The sandbox answered the unknown state {body.get('state')!r}.")
    return str(body["state"])


def _amount(body: dict[str, Any]) -> int:
    if type(body.get("amount_minor")) is not int:
        raise GatewayUnavailable("The sandbox's answer has no proper 'amount_minor'.")
    return int(body["amount_minor"])


def _retry_after_s(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else 1.0
