"""Mails: one of each kind for each order, by the effects' records and in the mail sink itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from email.parser import BytesHeaderParser
from pathlib import Path

from django.db.models import QuerySet

from orders.mails import EVENT_OF_KIND, Kind
from orders.models import Order, OrderEvent
from shop.closing.checks import Check, agreement
from shop.closing.references import order_number, references, tally
from tasks.models import Effect

MESSAGE_ID = re.compile(r"<order\.(?P<order>[0-9]+)\.email\.(?P<kind>[a-z]+)@")
"""Made by `orders.mails.message_id`. A mail that an operator sent again has its job's id after
the kind and is not counted."""

Sink = Mapping[str, Mapping[int, int]]
"""Messages by kind and order."""


def sent(orders: QuerySet[Order], kind: Kind) -> Check:
    """The effects done: our own record of what the mail server took."""
    keys = Effect.objects.filter(
        key__in=references(orders, suffix=f":email:{kind}"), state=Effect.State.DONE
    ).values_list("key", flat=True)
    return agreement(
        f"{kind} mails sent",
        tally(order_number(key) for key in keys),
        f"orders {EVENT_OF_KIND[kind]}",
        _due(orders, kind),
    )


def arrived(orders: QuerySet[Order], kind: Kind, sink: Sink) -> Check:
    """The messages that the mail sink really holds."""
    ids = set(orders.order_by().values_list("pk", flat=True))
    found = {order: count for order, count in sink.get(kind, {}).items() if order in ids}
    return agreement(
        f"{kind} mails in the sink", found, f"orders {EVENT_OF_KIND[kind]}", _due(orders, kind)
    )


def read_sink(maildir: Path) -> Sink:
    """Count a Maildir's messages by kind and order. Raises `OSError` when it can't be read."""
    found: dict[str, Counter[int]] = {}
    for path in [*maildir.glob("new/*"), *maildir.glob("cur/*")]:
        with path.open("rb") as file:
            headers = BytesHeaderParser().parse(file)
        if match := MESSAGE_ID.match(str(headers.get("Message-ID", "")).strip()):
            found.setdefault(match["kind"], Counter())[int(match["order"])] += 1
    return found


def _due(orders: QuerySet[Order], kind: Kind) -> dict[int, int]:
    events = OrderEvent.objects.filter(order__in=orders.order_by(), kind=EVENT_OF_KIND[kind])
    return dict.fromkeys(events.values_list("order_id", flat=True), 1)
