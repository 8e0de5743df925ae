"""The same no-op as an ordinary Celery task: same broker, same kind of queue, confirms, late acks.

It has no ledger: a job lost, doubled or killed in mid-run is nobody's business. That is the price
that ours is compared with.
"""

from __future__ import annotations

import os

from celery import Celery

from tasks.topology import job_queue

PLAIN_QUEUE = "bench-plain"

# Not the process's current app: the benchmark's own process also runs the shop's.
app = Celery("bench.plain", broker=os.environ.get("CELERY_BROKER_URL"), set_as_current=False)
app.conf.update(
    task_queues=[job_queue(PLAIN_QUEUE)],
    task_default_queue=PLAIN_QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=4,
    worker_send_task_events=True,  # as the shop has it, for Flower
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
)


@app.task(name="bench.plain_noop")
def plain_noop(number: int) -> None:
    """Does nothing."""
