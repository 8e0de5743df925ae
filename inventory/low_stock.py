"""Telling the people who order supplies, once for each time that a product runs low.

A product's `low_stock_at` is its limit. Falling to it opens an alert, being above it again closes
it; there is one open alert a product, by a unique index, so however often and by however many it
is looked at, one crossing is one alert and is in one e-mail.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string

from inventory import jobs
from inventory.models import LowStockAlert
from inventory.statements import SQL
from tasks import mailing

A_MAIL = 200
"""Products in one e-mail at the most; a sync may let thousands run low at once."""


def look() -> int:
    """Open and close alerts by what is there now, and ask for the new ones to be mailed.

    Returns how many are new. Without STOCK_ALERT_EMAILS they are only recorded.
    """
    with transaction.atomic():
        SQL.fetch_all("recover_low", {})
        new = [alert_id for (alert_id,) in SQL.fetch_all("cross_low", {})]
        if settings.STOCK_ALERT_EMAILS:
            for first in range(0, len(new), A_MAIL):
                jobs.enqueue_low_stock_mail(new[first : first + A_MAIL])
        return len(new)


def mail(*, alert_ids: Sequence[int]) -> None:
    """One e-mail about these alerts, at most once. Raises the errors of `mailing.send_once`."""
    alerts = list(
        LowStockAlert.objects.filter(pk__in=alert_ids)
        .select_related("product")
        .order_by("product__sku")
    )
    if alerts and settings.STOCK_ALERT_EMAILS:
        key = f"low-stock:{min(alert_ids)}-{max(alert_ids)}:email"
        mailing.send_once(_message(alerts), key=key, params={"alerts": sorted(alert_ids)})


def _message(alerts: Sequence[LowStockAlert]) -> EmailMultiAlternatives:
    count = len(alerts)
    subject = (
        f"Low stock: {alerts[0].product.sku}" if count == 1 else f"Low stock: {count:,} products"
    )
    context = {"alerts": alerts, "url": f"{settings.SITE_URL}/admin/inventory/lowstockalert/"}
    message = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string("inventory/email/low_stock.txt", context),
        to=list(settings.STOCK_ALERT_EMAILS),
    )
    html = render_to_string("inventory/email/low_stock.html", context)
    message.attach_alternative(html, "text/html")
    return message
