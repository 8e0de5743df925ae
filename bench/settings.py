"""The shop's settings with a database, a queue and a wake-up channel of the benchmark's own."""

from shop.settings import *  # noqa: F403
from shop.settings import DATABASES, INSTALLED_APPS
from tasks.topology import job_queue

DATABASE = "bench_jobs"
LEDGER_QUEUE = "bench-ledger"

DATABASES["default"]["NAME"] = DATABASE
INSTALLED_APPS = [*INSTALLED_APPS, "bench"]
CELERY_TASK_QUEUES = [job_queue(LEDGER_QUEUE)]
CELERY_TASK_DEFAULT_QUEUE = LEDGER_QUEUE
CELERY_TASK_ROUTES: dict[str, dict[str, str]] = {}
JOBS_WAKE_CHANNEL = "bench:wake"
