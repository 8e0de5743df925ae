"""Signed pushes: who sent one, that it is fresh, and that each counts once.

    X-Stock-Timestamp: 1769860800        seconds since 1970
    X-Stock-Delivery:  2026-01-31-0007   the supplier's own id, never used again
    X-Stock-Signature: sha256=<hex>      HMAC-SHA256 over "<timestamp>.<delivery>." + body

The signature covers time and id, so a copy that somebody recorded can be sent neither later nor
under another id. The supplier's own second try, after an answer that got lost, is answered like the
first. Body and job are written in one transaction: 202 means that both are there.
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.utils import timezone

from inventory import jobs
from inventory.errors import CredentialInvalid, PushRefused
from inventory.feeds.credentials import push_secret
from inventory.models import Delivery, Supplier

logger = logging.getLogger(__name__)

MAX_BYTES = 16 * 2**20  # some 300,000 rows; a file of more goes by SFTP or waits at an address
FRESH = timedelta(minutes=5)  # how far the two clocks may be apart
MAX_WAITING = 200  # pushes of one supplier that nobody has read yet; a few GB at the worst
RETRY_AFTER_S = 60

TIMESTAMP = re.compile(r"\d{1,11}", re.ASCII)
DELIVERY_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)
SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Push:
    """What came, and what its headers claim."""

    supplier: Supplier
    timestamp: str
    delivery_id: str
    signature: str
    feed_format: str

    @classmethod
    def announced(cls, name: str, headers: Mapping[str, str]) -> Push:
        """From the headers alone, before the body is read. Raises `PushRefused`."""
        supplier = Supplier.objects.filter(
            name=name, kind=Supplier.Kind.PUSH, is_enabled=True
        ).first()
        if supplier is None:
            raise PushRefused("Not found.", status=404)
        signature = SIGNATURE.fullmatch(headers.get("X-Stock-Signature", ""))
        timestamp = headers.get("X-Stock-Timestamp", "")
        delivery_id = headers.get("X-Stock-Delivery", "")
        if not (
            signature and TIMESTAMP.fullmatch(timestamp) and DELIVERY_ID.fullmatch(delivery_id)
        ):
            raise PushRefused("Timestamp, delivery id or signature is missing.", status=401)
        return cls(
            supplier=supplier,
            timestamp=timestamp,
            delivery_id=delivery_id,
            signature=signature[1],
            feed_format=_format(headers.get("Content-Type", ""), supplier),
        )

    def receive(self, body: bytes) -> Delivery:
        """Keep it and ask for a sync; the delivery, also of one that came before.

        Raises `PushRefused`.
        """
        self._check_signature(body)
        sent_at = self._fresh()
        digest = sha256(body).hexdigest()
        with transaction.atomic():
            delivery, is_new = Delivery.objects.defer("body").get_or_create(
                supplier=self.supplier,
                kind=Delivery.Kind.PUSH,
                key=self.delivery_id,
                defaults={
                    "feed_format": self.feed_format,
                    "size": len(body),
                    "digest": digest,
                    "body": body,
                    "as_of": min(sent_at, timezone.now()),
                },
            )
            if is_new:
                self._ask_for_sync(delivery)
        if delivery.digest != digest:
            raise PushRefused("This delivery id was used for another body.", status=409)
        return delivery

    def _ask_for_sync(self, delivery: Delivery) -> None:
        waiting = self.supplier.deliveries.filter(state=Delivery.State.WAITING)
        if waiting.count() > MAX_WAITING:
            raise PushRefused("Too many deliveries wait.", status=429, retry_after_s=RETRY_AFTER_S)
        delivery.job_id = jobs.enqueue_sync_of_delivery(self.supplier.pk, delivery.key)
        delivery.save(update_fields=["job_id"])

    def _check_signature(self, body: bytes) -> None:
        try:
            secrets = push_secret(self.supplier.credential).values
        except CredentialInvalid as error:
            logger.warning("Pushes of %s can't be checked: %s", self.supplier, error)
            raise PushRefused("Not ready.", status=503, retry_after_s=RETRY_AFTER_S) from error
        rights = [
            hmac.compare_digest(
                self.signature, sign(secret, self.timestamp, self.delivery_id, body)
            )
            for secret in secrets
        ]
        if not any(rights):
            raise PushRefused("The signature is wrong.", status=401)

    def _fresh(self) -> datetime:
        sent_at = datetime.fromtimestamp(int(self.timestamp), UTC)
        if abs(timezone.now() - sent_at) > FRESH:
            raise PushRefused("The timestamp is more than five minutes off.", status=401)
        return sent_at


def sign(secret: bytes, timestamp: str, delivery_id: str, body: bytes) -> str:
    """The signature, in hex."""
    signed = hmac.new(secret, f"{timestamp}.{delivery_id}.".encode(), sha256)
    signed.update(body)
    return signed.hexdigest()


def _format(content_type: str, supplier: Supplier) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    known = {"application/json": Supplier.Format.JSON, "text/csv": Supplier.Format.CSV}
    return str(known.get(kind, supplier.feed_format))
