"""The sandbox payment provider: a stand-in for Stripe and its kind that a shop can run itself.

It is a service of its own. The shop reaches it by HTTP only (`orders.payments.sandbox`), with a key,
and never through these models; that it keeps its tables in the same PostgreSQL is a convenience.
No money moves. What it does take seriously is what makes payments hard: idempotency keys, answers
that get lost, payments that need time, and a truth that survives `kill -9`.
"""
