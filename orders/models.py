"""An order, what was ordered, what was paid for it, and everything that happened to it."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q


def new_order_code() -> str:
    """An unguessable public name for an order's page (128 bits, URL-safe)."""
    return secrets.token_urlsafe(16)


class Order(models.Model):
    """A customer's wish to buy.

    placed ─▶ reserved ─▶ confirmed ─▶ refunded (the money went back, the goods did not)
       │          │            └─▶ cancelled (the goods come back; the money follows)
       └──────────┴─▶ failed (sold out, payment refused) / cancelled

    Only `orders.states` writes `state`, by one conditional UPDATE for each arrow.
    """

    class State(models.TextChoices):
        PLACED = "placed", "placed"
        RESERVED = "reserved", "reserved"
        CONFIRMED = "confirmed", "confirmed"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"
        REFUNDED = "refunded", "refunded"

    code = models.CharField(max_length=32, unique=True, default=new_order_code, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLACED)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    email = models.EmailField()
    currency = models.CharField(max_length=3, default="GBP")
    total_minor = models.PositiveBigIntegerField(help_text="Sum of the lines in minor units.")
    payment_method = models.CharField(
        max_length=80, help_text="The provider's token for the customer's card, never the card."
    )
    source = models.CharField(
        max_length=80,
        blank=True,
        help_text="Names the wish (a form's token, an imported invoice): one order for each.",
    )
    failure = models.CharField(max_length=200, blank=True, help_text="Why it failed, for people.")
    placed_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=~Q(source=""), name="one_order_per_source"
            )
        ]
        indexes = [
            # "What is under way?" must not read all orders there ever were.
            models.Index(
                fields=["id"],
                condition=Q(state__in=["placed", "reserved"]),
                name="orders_under_way",
            )
        ]
        permissions = [
            ("cancel_order", "Can cancel an order"),
            ("refund_order", "Can refund an order"),
            ("resend_email", "Can resend an order's e-mail"),
            ("comment_order", "Can comment on an order"),
        ]

    def __str__(self) -> str:
        return f"order {self.pk} ({self.state})"

    @property
    def reference(self) -> str:
        """The order's name in jobs, effects, movements and reservations."""
        return f"order:{self.pk}"


class OrderLine(models.Model):
    """What was ordered, as it was when it was ordered: later price changes don't touch it."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey("inventory.Product", on_delete=models.PROTECT, related_name="+")
    sku = models.CharField("SKU", max_length=40)
    name = models.CharField(max_length=200)
    unit_price_minor = models.PositiveBigIntegerField()
    quantity = models.PositiveIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="line_orders_something"),
            models.UniqueConstraint(fields=["order", "product"], name="one_line_per_product"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku}"

    @property
    def total_minor(self) -> int:
        return self.unit_price_minor * self.quantity


class Payment(models.Model):
    """The money side of an order; its state is the provider's word, not the order's.

    pending ─▶ charging ─▶ captured ─▶ refunded
       │           ├─────▶ refused (declined: nothing was taken)
       └───────────┴─────▶ void (the order ended first; surely nothing was or will be taken)

    *charging* is written before the provider is asked, so a payment that is still pending was
    never asked for, and one that is charging may have been taken by a worker that died. Should a
    refused or void one turn out to be taken after all, it becomes captured: the provider's word.
    """

    class State(models.TextChoices):
        PENDING = "pending", "pending"
        CHARGING = "charging", "charging"
        CAPTURED = "captured", "captured"
        REFUSED = "refused", "refused"
        REFUNDED = "refunded", "refunded"
        VOID = "void", "void"

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="payment")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    amount_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    provider = models.CharField(max_length=20)
    provider_reference = models.CharField(max_length=100, blank=True)
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When the provider was last about to be asked to charge."
    )
    captured_at = models.DateTimeField(null=True, blank=True)
    refunded_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"payment of order {self.order_id} ({self.state})"


class OrderEvent(models.Model):
    """One line of an order's timeline. Append-only; written in the transaction it tells of."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=40, help_text="placed, reserved, charged, email_sent, …")
    message = models.CharField(max_length=300, help_text="The same, for people.")
    job_id = models.UUIDField(null=True, blank=True, help_text="The job that did it, if any.")
    actor = models.CharField(max_length=80, blank=True, help_text="The person who did it, if any.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.message


class PaymentNotice(models.Model):
    """An event that a provider told unasked. Kept so that the same event counts once.

    Of what it said only what is needed is here; how things stand the provider is asked.
    """

    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=255, help_text="The provider's own name for the event.")
    kind = models.CharField(max_length=255)
    key = models.CharField(
        max_length=255,
        blank=True,
        help_text="Our idempotency key: order:42:charge. Empty: not ours.",
    )
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="one_notice_per_event")
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.kind} {self.key}"
