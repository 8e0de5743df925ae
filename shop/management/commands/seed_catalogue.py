"""`manage.py seed_catalogue`: something to sell in a fresh shop."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from shop.samples.seeding import point_supplier_to, seed


class Command(BaseCommand):
    help = (
        "Add the sample catalogue with its first stock, and the sample supplier when "
        "SUPPLIER_FEED_URL is set. Running it again adds only what is missing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        seeded = seed()
        self.stdout.write(
            f"Products added: {seeded.products}. Deliveries received: {seeded.deliveries}."
        )
        if settings.SUPPLIER_FEED_URL:
            supplier = point_supplier_to(settings.SUPPLIER_FEED_URL)
            self.stdout.write(f"Supplier {supplier.name} reads {supplier.feed_url}")
