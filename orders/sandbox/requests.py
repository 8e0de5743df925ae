"""What clients send, read strictly: a request is understood completely or refused.

A payment API that guesses (`"10"` as 10, a misspelt field as absent) charges the wrong amount one
day. Every refusal is `errors.Invalid` with a sentence that names the field.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, NoReturn

from django.http import HttpRequest

from orders.sandbox.cards import CARDS
from orders.sandbox.errors import Invalid, NotJson
from orders.sandbox.models import MAX_KEY_CHARS

MAX_AMOUNT_MINOR = 10**12 - 1  # ten billion pounds: far above any basket, far below a bigint
MAX_DESCRIPTION_CHARS = 500

KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY_CHARS}}}")
CURRENCY = re.compile(r"[A-Z]{3}")
REFERENCE = re.compile(r"[a-z]{2}_[0-9a-f]{1,37}")


@dataclass(frozen=True, kw_only=True)
class ChargeRequest:
    operation: ClassVar[str] = "charge"
    amount_minor: int
    currency: str
    payment_method: str
    description: str


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    operation: ClassVar[str] = "refund"
    charge: str
    amount_minor: int


def read_charge(request: HttpRequest) -> ChargeRequest:
    """Raises `Invalid` and `NotJson`."""
    fields = _fields(
        request, required={"amount_minor", "currency", "payment_method"}, optional={"description"}
    )
    return ChargeRequest(
        amount_minor=_amount(fields["amount_minor"]),
        currency=_matching(CURRENCY, fields, "currency", "three capital letters, such as GBP"),
        payment_method=_payment_method(fields["payment_method"]),
        description=_description(fields.get("description", "")),
    )


def read_refund(request: HttpRequest) -> RefundRequest:
    """Raises `Invalid` and `NotJson`."""
    fields = _fields(request, required={"charge", "amount_minor"})
    return RefundRequest(
        charge=_matching(REFERENCE, fields, "charge", "the id of a charge"),
        amount_minor=_amount(fields["amount_minor"]),
    )


def read_key(text: str | None, *, where: str) -> str:
    """An idempotency key. `where` says in the message where it belongs. Raises `Invalid`."""
    if text is None or not KEY.fullmatch(text):
        raise Invalid(f"Send {where} with 1 to {MAX_KEY_CHARS} visible ASCII characters.")
    return text


def canonical(wish: ChargeRequest | RefundRequest) -> str:
    """The same text for the same wish, whatever order or spacing the client's JSON had."""
    return json.dumps([wish.operation, asdict(wish)], sort_keys=True)


def _fields(
    request: HttpRequest, *, required: set[str], optional: frozenset[str] | set[str] = frozenset()
) -> dict[str, Any]:
    """The body's members: all that are required, and none that nobody knows."""
    fields = _json(request)
    if not isinstance(fields, dict):
        raise Invalid("The body must be a JSON object.")
    if missing := sorted(required - fields.keys()):
        raise Invalid(f"Missing: {', '.join(missing)}.")
    if unknown := sorted(fields.keys() - required - optional):
        raise Invalid(f"Unknown: {', '.join(ascii(name)[:50] for name in unknown[:5])}.")
    return fields


def _json(request: HttpRequest) -> Any:
    if request.content_type != "application/json":
        raise NotJson("Send the body as application/json.")
    try:
        return json.loads(request.body, parse_constant=_no_number, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError) as error:
        raise Invalid("The body must be JSON.") from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two members of one name: which one is meant?"""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _amount(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MAX_AMOUNT_MINOR:
        raise Invalid(f"amount_minor must be a whole number from 1 to {MAX_AMOUNT_MINOR}.")
    return value


def _payment_method(value: Any) -> str:
    if not isinstance(value, str) or value not in CARDS:
        raise Invalid(f"payment_method must be one of {', '.join(CARDS)}.")
    return value


def _description(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_DESCRIPTION_CHARS or not value.isprintable():
        raise Invalid(
            f"description must be a line of at most {MAX_DESCRIPTION_CHARS} printable characters."
        )
    return value


def _matching(pattern: re.Pattern[str], fields: dict[str, Any], name: str, what: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Invalid(f"{name} must be {what}.")
    return value
