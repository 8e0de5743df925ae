"""The shop's settings, so that its worker is what is measured, with one queue for what is measured
and one for the mails, which nobody sends.
"""

import os

from shop.settings import *  # noqa: F403
from shop.settings import BASE_DIR, INSTALLED_APPS
from tasks.topology import job_queue

LEDGER_QUEUE = "bench-ledger"
MAIL_QUEUE = "bench-mail"

INSTALLED_APPS = [*INSTALLED_APPS, "bench"]
SANDBOX_PAYMENTS_KEY = "bench"  # of a provider that gives nothing away
CELERY_TASK_QUEUES = [job_queue(LEDGER_QUEUE), job_queue(MAIL_QUEUE)]
SUPPLIER_FILES_DIR = BASE_DIR / "var" / "bench"  # where its feeds lie
CELERY_TASK_DEFAULT_QUEUE = LEDGER_QUEUE
CELERY_TASK_ROUTES = {"orders.send_email": {"queue": MAIL_QUEUE}}

if "BENCH_SYNC_CHUNK_ROWS" in os.environ:  # to find the best one; see docs/stock-sync.md
    SYNC_CHUNK_ROWS = int(os.environ["BENCH_SYNC_CHUNK_ROWS"])
