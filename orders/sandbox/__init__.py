"""The sandbox payment provider: a stand-in for Stripe and its kind that a shop can run itself.

It is a service of its own (`manage.py sandbox_payments`). The shop reaches it by HTTP only, with a
key (`orders.payments.sandbox`); that it keeps its tables in the shop's PostgreSQL is a convenience.
No money moves. What it does take seriously is what makes payments hard: idempotency keys, answers
that get lost, payments that need time, and a truth that survives `kill -9`.
"""
