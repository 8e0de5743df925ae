"""Measurements, side by side with what people would use instead. Never part of the tests.

`./run bench jobs` (or `python -m bench.jobs`) needs DATABASE_URL, CELERY_BROKER_URL and REDIS_URL;
it makes a database and queues of its own there and removes them afterwards.
"""
