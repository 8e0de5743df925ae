"""What the auditor's own job found, and when."""

from __future__ import annotations

from django.db import models


class AuditRun(models.Model):
    """One audit of the whole shop."""

    job_id = models.UUIDField(null=True, blank=True)
    started_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField()
    invariants = models.PositiveIntegerField(help_text="How many were asked.")
    broken = models.PositiveIntegerField(help_text="How many of them don't hold.")
    breaches = models.PositiveIntegerField(
        help_text="How many there are in all; of very many only the first are kept."
    )

    class Meta:
        ordering = ["-id"]
        default_permissions = ["view"]

    def __str__(self) -> str:
        return f"audit {self.pk}: {self.breaches} breaches"


class AuditBreach(models.Model):
    """One breach that a run found; see `shop.auditor.breaches.Breach`."""

    run = models.ForeignKey(AuditRun, on_delete=models.CASCADE, related_name="found")
    invariant = models.CharField(max_length=60)
    subject = models.CharField(max_length=120)
    expected = models.CharField(max_length=300)
    found = models.CharField(max_length=500)
    job_id = models.UUIDField("job", null=True, blank=True)
    attempt = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        default_permissions = ["view"]

    def __str__(self) -> str:
        return f"{self.invariant}: {self.subject}"
