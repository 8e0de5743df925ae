"""Customers who don't exist, placing orders that do: what `manage.py demo_orders` shows."""
