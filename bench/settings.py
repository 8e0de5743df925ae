"""The shop's settings, so that its worker is what is measured, with one queue for no-ops."""

import tempfile

from shop.settings import *  # noqa: F403
from shop.settings import INSTALLED_APPS
from tasks.topology import job_queue

LEDGER_QUEUE = "bench-ledger"

INSTALLED_APPS = [*INSTALLED_APPS, "bench"]
SANDBOX_PAYMENTS_KEY = "unused"  # nobody pays here
SUPPLIER_FILES_DIR = tempfile.gettempdir()  # where its feeds lie
CELERY_TASK_QUEUES = [job_queue(LEDGER_QUEUE)]
CELERY_TASK_DEFAULT_QUEUE = LEDGER_QUEUE
CELERY_TASK_ROUTES = {}
