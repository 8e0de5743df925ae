"""What can go wrong between us and a payment provider."""

from __future__ import annotations


class GatewayError(Exception):
    """Base of the gateways' errors."""


class GatewayUnavailable(GatewayError):
    """No usable answer: timed out, cut off, or an error of the provider's.

    Whether the request took effect is unknown. Ask by the key before trying again.
    """


class GatewayBusy(GatewayError):
    """The provider works on this key already, or wants fewer requests. Ask again later."""

    def __init__(self, message: str = "", *, retry_after_s: float = 1.0) -> None:
        super().__init__(message or "The payment provider is busy.")
        self.retry_after_s = retry_after_s
        """Seconds the provider asked us to wait."""


class GatewayRefused(GatewayError):
    """The provider won't do it and nothing happened: bad key, bad request, key used otherwise.

    Trying again can't help; a person has to look.
    """
