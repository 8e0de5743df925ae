"""How the sandbox provider signs what it tells, as Stripe does: `t=1700000000,v1=hex`.

v1 is HMAC-SHA256 of "timestamp.body" under a secret that both know. The time is signed too, so that
what was overheard can't be told again for ever.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256

HEADER = "Sandbox-Signature"
TOLERANCE_S = (
    300  # Stripe's own: clocks differ, and a delivery may have been on its way for a while
)

SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})", re.ASCII)


def sign(body: bytes, *, secret: str, at: int) -> str:
    """The header's value for a body told at `at`, in seconds since 1970."""
    return f"t={at},v1={_digest(body, secret, at)}"


def is_signed(body: bytes, header: str, *, secret: str, now: float) -> bool:
    """Whether somebody with the secret signed the body, within the tolerance of `now`."""
    found = SIGNATURE.fullmatch(header)
    if found is None or abs(now - int(found[1])) > TOLERANCE_S:
        return False
    return hmac.compare_digest(found[2], _digest(body, secret, int(found[1])))


def _digest(body: bytes, secret: str, at: int) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, sha256).hexdigest()
