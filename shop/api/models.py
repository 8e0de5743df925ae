"""Who may call the API by a key, and what was answered to which idempotency key."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

MAX_IDEMPOTENCY_KEY_CHARS = 255


class Scope(models.TextChoices):
    """What a key may be used for. Products are public and need none."""

    READ = "orders:read", "see the user's orders"
    PLACE = "orders:place", "place orders"
    CANCEL = "orders:cancel", "cancel the user's orders"


class ApiKey(models.Model):
    """Lets a program act for a user, as far as its scopes go, until it is revoked.

    The key itself is shown once, when it is made. It is 256 random bits, so a plain SHA-256 of it
    can't be turned back, and finding it by the digest takes one look at an index.
    """

    name = models.CharField(max_length=80, help_text="Where the key is used, for people.")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys"
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(
        max_length=20, editable=False, help_text="How the key begins, to recognise it by."
    )
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices), default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="To the minute."
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API key"
        ordering = ["-id"]
        permissions = [("revoke_apikey", "Can revoke an API key")]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class IdempotentReply(models.Model):
    """What was answered to a caller's idempotency key, written together with what it tells of.

    Of the request only a hash is kept. `body` is the reply as the caller got it, with no e-mail
    address in it; `api.prune` deletes it after a day.
    """

    owner = models.CharField(max_length=40, help_text="Whose key it is: user:3 or key:7.")
    key = models.CharField(max_length=MAX_IDEMPOTENCY_KEY_CHARS)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of what was asked.")
    status = models.PositiveSmallIntegerField()
    body = models.TextField(help_text="Replayed byte for byte.")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name_plural = "idempotent replies"
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="one_reply_per_idempotency_key")
        ]

    def __str__(self) -> str:
        return f"{self.owner} {self.status}"
