"""Asking a payment provider for money, always with the same idempotency key for the same thing."""
