"""Measurements, side by side with what people would use instead. Never part of the tests.

`./run bench jobs` starts PostgreSQL, Redis and RabbitMQ of its own, as durable as in production, so
that nothing else uses them and nothing of a running shop is touched.
"""
