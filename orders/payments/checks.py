"""Boot checks: `manage.py check` says what to set before the shop can take money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

LOOPBACK = ("127.0.0.1", "localhost", "::1")

# Another try takes over after a minute (tasks.effects.PATIENCE_S). A call waits for a connection
# and for an answer, and must be over by then.
MAX_TIMEOUT_S = 25.0


@register("payments")
def check_payments(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    if settings.PAYMENT_GATEWAY == "sandbox":
        return [*_check_sandbox(), *_check_timeout()]
    if settings.PAYMENT_GATEWAY == "stripe":
        return [*_check_stripe(), *_check_timeout()]
    return [
        Error(
            f"Set PAYMENT_GATEWAY to sandbox or stripe, not {settings.PAYMENT_GATEWAY!r}.",
            id="payments.E001",
        )
    ]


@register(Tags.security, deploy=True)
def check_real_money(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    if settings.PAYMENT_GATEWAY != "sandbox":
        return []
    return [
        checks.Warning(
            "PAYMENT_GATEWAY is sandbox: orders are confirmed and no money moves. Set it to stripe"
            " to sell.",
            id="payments.W001",
        )
    ]


def _check_sandbox() -> Iterator[CheckMessage]:
    if not settings.SANDBOX_PAYMENTS_KEY:
        yield Error(
            "Set SANDBOX_PAYMENTS_KEY to a secret that the shop and its sandbox provider share, or"
            " set PAYMENT_GATEWAY=stripe.",
            id="payments.E002",
        )
    if not _is_http(settings.SANDBOX_PAYMENTS_URL):
        yield Error(
            "Set SANDBOX_PAYMENTS_URL to where `manage.py sandbox_payments` serves, such as"
            f" http://127.0.0.1:8001, not {settings.SANDBOX_PAYMENTS_URL!r}.",
            id="payments.E003",
        )
    if settings.SANDBOX_WEBHOOK_URL and not _is_http(settings.SANDBOX_WEBHOOK_URL):
        yield Error(
            "Set SANDBOX_WEBHOOK_URL to the shop's /webhooks/payments/sandbox, or leave it out.",
            id="payments.E008",
        )
    if settings.SANDBOX_WEBHOOK_URL and not settings.SANDBOX_WEBHOOK_SECRET:
        yield Error(
            "Set SANDBOX_WEBHOOK_SECRET to a secret that the shop and its sandbox provider share,"
            " or leave SANDBOX_WEBHOOK_URL out.",
            id="payments.E009",
        )


def _check_stripe() -> Iterator[CheckMessage]:
    if not settings.STRIPE_API_KEY:
        yield Error(
            "Set STRIPE_API_KEY to the account's secret key (https://dashboard.stripe.com/apikeys),"
            " or set PAYMENT_GATEWAY=sandbox.",
            id="payments.E004",
        )
    elif not settings.STRIPE_API_KEY.startswith(("sk_", "rk_")):
        yield Error(
            "STRIPE_API_KEY must be a secret key (sk_…) or a restricted one (rk_…).",
            id="payments.E005",
        )
    secret = settings.STRIPE_WEBHOOK_SECRET
    if secret and not secret.startswith("whsec_"):
        yield Error(
            "STRIPE_WEBHOOK_SECRET must be the signing secret of a webhook endpoint (whsec_…).",
            id="payments.E010",
        )
    base = urlsplit(settings.STRIPE_API_BASE)
    if not _is_http(settings.STRIPE_API_BASE) or (
        base.scheme == "http" and base.hostname not in LOOPBACK
    ):
        yield Error(
            "Set STRIPE_API_BASE to https://api.stripe.com; without TLS the key is sent in clear.",
            id="payments.E006",
        )


def _check_timeout() -> Iterator[CheckMessage]:
    if not 0 < settings.PAYMENT_TIMEOUT_S <= MAX_TIMEOUT_S:
        yield Error(
            f"Set PAYMENT_TIMEOUT_S (seconds) above 0 and to at most {MAX_TIMEOUT_S:g}.",
            id="payments.E007",
        )


def _is_http(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)
