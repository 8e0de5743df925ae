"""Which queues the shop has and which task goes to which."""

from tasks.topology import job_queue

TASK_QUEUES = [job_queue(name) for name in ("checkout", "stock", "email", "default")]

TASK_ROUTES = {
    "orders.advance_checkout": {"queue": "checkout"},
    "orders.refund": {"queue": "checkout"},
    "orders.heed_notice": {"queue": "checkout"},
    "orders.send_email": {"queue": "email"},
    "inventory.*": {"queue": "stock"},
}
