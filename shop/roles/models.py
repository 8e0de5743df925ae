"""What each role was given once, so that it is not given again."""

from __future__ import annotations

from django.db import models


class Granted(models.Model):
    """A permission that a role's group was given. Whether it still has it is the group's matter."""

    role = models.CharField(max_length=40)
    permission = models.CharField(max_length=200, help_text="orders.cancel_order")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["role", "permission"], name="granted_once"),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.permission}"
