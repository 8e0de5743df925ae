"""What the provider knows: charges, refunds, and what it answered to which idempotency key.

A key is unique among charges and unique among refunds, so PostgreSQL itself refuses a second charge
for one key, whatever the code above it does. That a charge never gives back more than it took is a
constraint too. Amounts are minor units.
"""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

# The longest idempotency key, as at Stripe. https://docs.stripe.com/api/idempotent_requests
MAX_KEY_CHARS = 255


def new_charge_reference() -> str:
    return f"ch_{secrets.token_hex(12)}"


def new_refund_reference() -> str:
    return f"re_{secrets.token_hex(12)}"


class Charge(models.Model):
    """Money taken, or not taken, from a customer's card."""

    class State(models.TextChoices):
        PENDING = "pending", "pending"
        SUCCEEDED = "succeeded", "succeeded"
        DECLINED = "declined", "declined"

    reference = models.CharField(max_length=40, unique=True, default=new_charge_reference)
    key = models.CharField(
        max_length=MAX_KEY_CHARS, unique=True, help_text="The idempotency key it was made with."
    )
    state = models.CharField(max_length=10, choices=State.choices)
    amount_minor = models.PositiveBigIntegerField()
    refunded_minor = models.PositiveBigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    payment_method = models.CharField(max_length=40)
    description = models.CharField(max_length=500, blank=True)
    message = models.CharField(max_length=200, blank=True, help_text="Why it was declined.")
    settles_at = models.DateTimeField(
        null=True, blank=True, help_text="When a pending charge succeeds."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="charge_is_of_something"),
            models.CheckConstraint(
                condition=Q(refunded_minor__lte=F("amount_minor")), name="charge_is_not_overdrawn"
            ),
        ]
        indexes = [
            # Looked through before each answer.
            models.Index(
                fields=["settles_at"], condition=Q(state="pending"), name="charges_to_settle"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reference} ({self.state})"


class Refund(models.Model):
    """Money given back from a charge."""

    class State(models.TextChoices):
        PENDING = "pending", "pending"
        SUCCEEDED = "succeeded", "succeeded"

    reference = models.CharField(max_length=40, unique=True, default=new_refund_reference)
    key = models.CharField(
        max_length=MAX_KEY_CHARS, unique=True, help_text="The idempotency key it was made with."
    )
    charge = models.ForeignKey(Charge, on_delete=models.PROTECT, related_name="refunds")
    state = models.CharField(max_length=10, choices=State.choices)
    amount_minor = models.PositiveBigIntegerField()
    settles_at = models.DateTimeField(
        null=True, blank=True, help_text="When a pending refund succeeds."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_is_of_something"),
        ]
        indexes = [
            models.Index(
                fields=["settles_at"], condition=Q(state="pending"), name="refunds_to_settle"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reference} ({self.state})"


def new_event_reference() -> str:
    return f"evt_{secrets.token_hex(12)}"


class Event(models.Model):
    """Something that happened to a charge or refund, to be told to the shop until it listens."""

    reference = models.CharField(max_length=40, unique=True, default=new_event_reference)
    kind = models.CharField(max_length=40, help_text="charge.succeeded, charge.declined, …")
    key = models.CharField(max_length=MAX_KEY_CHARS)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            # Looked through all the time.
            models.Index(fields=["next_try_at"], condition=Q(told_at=None), name="events_to_tell")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class IdempotencyRecord(models.Model):
    """What was first asked with a key, and what was answered.

    Without an answer (`status` is null) it is the trace of a request that failed before it did
    anything; the next one with the key starts anew.
    """

    key = models.CharField(max_length=MAX_KEY_CHARS, unique=True)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of what was asked.")
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    body = models.TextField(blank=True, help_text="Replayed byte for byte.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.key
