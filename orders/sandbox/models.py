"""What the sandbox provider remembers. Amounts are minor units."""

from __future__ import annotations

import secrets

from django.db import models


def new_charge_id() -> str:
    return "ch_" + secrets.token_hex(12)


def new_refund_id() -> str:
    return "re_" + secrets.token_hex(12)


class Charge(models.Model):
    class State(models.TextChoices):
        SUCCEEDED = "succeeded", "succeeded"
        DECLINED = "declined", "declined"
        PENDING = "pending", "pending"

    id = models.CharField(max_length=40, primary_key=True, default=new_charge_id)
    key = models.CharField(max_length=255, unique=True, help_text="The client's idempotency key.")
    state = models.CharField(max_length=10, choices=State.choices)
    amount_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    payment_method = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True)
    message = models.CharField(max_length=200, blank=True)
    settles_at = models.DateTimeField(null=True, help_text="When a pending charge succeeds.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.id} {self.amount_minor} {self.currency} ({self.state})"


class Refund(models.Model):
    id = models.CharField(max_length=40, primary_key=True, default=new_refund_id)
    key = models.CharField(max_length=255, unique=True, help_text="The client's idempotency key.")
    charge = models.ForeignKey(Charge, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.id} {self.amount_minor} of {self.charge_id}"


class SavedAnswer(models.Model):
    """The answer to a key, given again to whoever repeats the request.

    `status` is null while the request is being worked on.
    """

    key = models.CharField(max_length=255, unique=True)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of path and body.")
    asks = models.PositiveIntegerField(default=1, help_text="How often the request came.")
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True)
    started_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key}: {self.status or 'in flight'}"
