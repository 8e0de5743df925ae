"""What can go wrong between us and a payment provider. A declined card is an answer."""

from __future__ import annotations

from tasks.errors import NotDone


class GatewayError(Exception):
    """Base of the gateways' errors."""


class GatewayUnavailable(GatewayError):
    """No usable answer: timed out, cut off, or an error of the provider's.

    Whether anything happened is unknown. Ask by the key before trying again.
    """


class GatewayBusy(GatewayError):
    """The provider works on this key at this moment, or wants fewer requests. Ask again later."""

    def __init__(self, message: str = "", *, retry_after_s: float = 1.0) -> None:
        super().__init__(message or "The payment provider is busy.")
        self.retry_after_s = retry_after_s
        """Seconds the provider asked us to wait."""


class GatewayRefused(GatewayError):
    """The provider won't do or tell it, as for a wrong API key. A person has to look.

    What an earlier request with the key did is as unknown as before: a key used for something else
    may have charged, and a look-up that isn't allowed has found nothing out.
    """


class GatewayNotDone(GatewayRefused, NotDone):
    """This very charge or refund makes no sense to the provider, as for an unknown card token.

    Nothing happened. Only `charge` and `refund` raise it, and only for what they were asked, never
    for who asks: with a wrong API key every order would be told that its payment can't be taken.
    """


class NoticeInvalid(Exception):
    """What came in as a provider's notice is not one: a wrong or old signature, or no event.

    Refuse it. A provider that meant it tells it again, and nothing depends on it.
    """
