"""The shop: settings, Celery app, storefront and operators' pages. The top layer."""

from shop.celery import app as celery_app

__all__ = ["celery_app"]
