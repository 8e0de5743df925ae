"""Every setting of the shop. All that differs between machines comes from the environment.

`.env.example` documents each variable; `manage.py check` refuses what is missing or unsafe.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from redis.backoff import NoBackoff
from redis.retry import Retry

from shop.console import frame
from shop.queues import TASK_QUEUES, TASK_ROUTES
from tasks import celery_settings
from tasks.celery_settings import *  # noqa: F403  # what stands below wins

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def required(name: str) -> str:
    """The variable's value, or one sentence that says what to set."""
    value = str(env.str(name, default=""))
    if not value:
        raise environ.ImproperlyConfigured(
            f"Set {name} in the environment or in .env (see .env.example), or start with ./run."
        )
    return value


# --- Django -------------------------------------------------------------------------------------

SECRET_KEY = required("DJANGO_SECRET_KEY")
DEBUG = env.bool("DJANGO_DEBUG", default=False)
ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("DJANGO_CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "shop",
    "shop.api",
    "shop.auditor",
    "orders",
    "orders.sandbox",
    "inventory",
    "tasks",
    "django_celery_beat",
    "unfold",  # before the admin, whose templates it replaces
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "ninja",  # so that the API's page is made of local files
    "shop.roles",  # the last one: it gives roles the permissions of all others
]

MIDDLEWARE = [
    "shop.access_log.AccessLog",
    "shop.traces.Traces",
    "django.middleware.security.SecurityMiddleware",
    "shop.headers.SecurityHeaders",
    "shop.api.middleware.ApiAnswers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "shop.callers.Callers",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop.storefront.context.frame",
            ],
        },
    },
]

# The site's own address, for links in e-mails.
SITE_URL = env.str("SITE_URL", default="http://localhost:8000")

# --- PostgreSQL: the truth ----------------------------------------------------------------------

required("DATABASE_URL")
DATABASES: dict[str, Any] = {"default": env.db_url("DATABASE_URL")}
# Persistent connections without a pool: a pool does not survive a worker's fork.
# https://docs.djangoproject.com/en/5.2/ref/databases/#persistent-connections
DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# PgBouncer in transaction mode can't keep a server-side cursor across statements.
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: locks, wake-ups, cache --------------------------------------------------------------

REDIS_URL = required("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "shop",
        "OPTIONS": {
            "CLIENT_CLASS": "tasks.locks.django_redis.LockClient",  # cache.lock() stands in line
            # A cache that is down is a cache that is empty; it never breaks a page.
            "IGNORE_EXCEPTIONS": True,
            "SOCKET_CONNECT_TIMEOUT": 0.3,  # seconds; a page can't wait longer for a cache
            "SOCKET_TIMEOUT": 0.3,
            # redis-py's own retries would hold a page for seconds while Redis is down.
            "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 0)},
        },
    }
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True

# https://docs.djangoproject.com/en/5.2/topics/http/sessions/#using-cached-sessions
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

# --- Celery over RabbitMQ: the doorbell ---------------------------------------------------------
# What every project with jobs needs comes from tasks/celery_settings.py.

CELERY_BROKER_URL = required("CELERY_BROKER_URL")
CELERY_TASK_QUEUES = TASK_QUEUES
CELERY_TASK_ROUTES = TASK_ROUTES
# Seconds that running jobs get when a worker is asked to stop; then it gives them back.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = env.float("WORKER_SOFT_SHUTDOWN_TIMEOUT_S", default=30.0)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Written to the database when their name is new; from then on the admin's word counts.
CELERY_BEAT_SCHEDULE = {
    **celery_settings.CELERY_BEAT_SCHEDULE,
    # Each supplier's sync has an entry of its own there (inventory/cadence.py).
    "Tidy away expired reservations": {
        "task": "inventory.release_expired_reservations",
        "schedule": timedelta(minutes=1),
    },
    "Look for low stock": {
        "task": "inventory.look_for_low_stock",
        "schedule": timedelta(minutes=1),
    },
    "Delete old sessions": {"task": "shop.clear_sessions", "schedule": crontab(hour=3, minute=30)},
    "Delete old pushes": {
        "task": "inventory.prune_deliveries",
        "schedule": crontab(hour=3, minute=45),
    },
    "Delete old replies and notices": {"task": "api.prune", "schedule": crontab(minute=30)},
    "Audit the shop": {"task": "shop.audit", "schedule": crontab(minute=45)},
}

# --- The job platform (tasks/); defaults and meanings in tasks/conf.py --------------------------

JOBS_REDIS_URL = REDIS_URL
LOCKS_REDIS_URL = REDIS_URL
JOBS_LEASE_S = env.float("JOBS_LEASE_S", default=30.0)
JOBS_REPUBLISH_AFTER_S = env.float("JOBS_REPUBLISH_AFTER_S", default=10.0)
JOBS_KEEP_FINISHED_DAYS = env.float("JOBS_KEEP_FINISHED_DAYS", default=7.0)
JOBS_FLOWER_URL = env.str("FLOWER_URL", default="")
# What must not be in a log or a job's error, besides e-mail addresses (tasks/privacy.py).
JOBS_PRIVATE_PATTERNS = (
    r"(?<=/orders/)[\w-]{16,}",  # an order's code opens its page: Django logs addresses
    r"\b(?:pm|tok|card|src)_\w+",  # providers' tokens of payment methods: they quote them
    r"(?<=Invalid request from ip=).+",  # gunicorn quotes who sent what that is no HTTP
)

# --- Payments, suppliers ------------------------------------------------------------------------

PAYMENT_GATEWAY = env.str("PAYMENT_GATEWAY", default="sandbox")  # sandbox or stripe
PAYMENT_TIMEOUT_S = env.float("PAYMENT_TIMEOUT_S", default=8.0)  # each wait for the provider
SANDBOX_PAYMENTS_URL = env.str("SANDBOX_PAYMENTS_URL", default="http://127.0.0.1:8001")
SANDBOX_PAYMENTS_KEY = env.str("SANDBOX_PAYMENTS_KEY", default="")
# How long each charge and refund takes, in seconds. Card networks need some tenths of a second.
SANDBOX_ANSWER_S = env.float("SANDBOX_ANSWER_S", default=0.0)
# How long the card pm_timeout keeps its client waiting, in seconds; longer than a client waits.
SANDBOX_HANG_S = env.float("SANDBOX_HANG_S", default=15.0)
# How long the card pm_slow needs, in seconds.
SANDBOX_SETTLE_S = env.float("SANDBOX_SETTLE_S", default=2.0)
# Where the sandbox provider tells what became of a payment, and the secret it signs that with.
SANDBOX_WEBHOOK_URL = env.str("SANDBOX_WEBHOOK_URL", default="")
SANDBOX_WEBHOOK_SECRET = env.str("SANDBOX_WEBHOOK_SECRET", default="")
STRIPE_API_KEY = env.str("STRIPE_API_KEY", default="")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
# Where the sample supplier's feed is; `manage.py seed_catalogue` sets the supplier up.
SUPPLIER_FEED_URL = env.str("SUPPLIER_FEED_URL", default="")
# All files of suppliers lie under this folder; nothing else is read for them.
SUPPLIER_FILES_DIR = env.path("SUPPLIER_FILES_DIR", default=str(BASE_DIR / "var" / "suppliers"))
# Their values by name. The database and the admin know names only.
SUPPLIER_SECRETS = {
    name.removeprefix("SUPPLIER_CREDENTIALS_"): value
    for name, value in env.ENVIRON.items()
    if name.startswith("SUPPLIER_CREDENTIALS_")
}

# --- HTTP API -----------------------------------------------------------------------------------

# Requests a minute of each API key, user or guest's address; shop/api/limits.py.
API_READS_PER_MINUTE = env.int("API_READS_PER_MINUTE", default=600)
API_CHECKOUTS_PER_MINUTE = env.int("API_CHECKOUTS_PER_MINUTE", default=60)
# An order's events: how long a stream may go on, in seconds, and how many threads of a web process
# may be in such streams; shop/api/streams.py.
API_STREAM_S = env.float("API_STREAM_S", default=20.0)
API_STREAMS_PER_PROCESS = env.int("API_STREAMS_PER_PROCESS", default=3)

# --- Mail ---------------------------------------------------------------------------------------

email = env.email_url("EMAIL_URL", default="smtp://127.0.0.1:1025")
EMAIL_BACKEND = email["EMAIL_BACKEND"]
EMAIL_HOST = email["EMAIL_HOST"]
EMAIL_PORT = email["EMAIL_PORT"]
EMAIL_HOST_USER = email["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = email["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = email.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10  # s; an SMTP server that hangs must not hold a worker
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="shop@localhost")
# Who orders supplies: hears once of each product that falls to its `low_stock_at`.
STOCK_ALERT_EMAILS = env.list("STOCK_ALERT_EMAILS", default=[])

# --- Pages, static files, security --------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
# Served straight from the apps' folders, so that no page waits for a collectstatic.
# https://whitenoise.readthedocs.io/en/stable/django.html#WHITENOISE_USE_FINDERS
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "var" / "static"))
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

UNFOLD = frame.UNFOLD  # the look of the operators' console

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
# Behind TLS set DJANGO_SECURE=true; ./run serves plain HTTP on loopback.
SECURE = env.bool("DJANGO_SECURE", default=False)
SESSION_COOKIE_SECURE = SECURE
CSRF_COOKIE_SECURE = SECURE
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # balancers ask by plain HTTP
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0  # a year, as browsers' preload lists ask
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
BEHIND_PROXY = env.bool("DJANGO_BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Logging ------------------------------------------------------------------------------------

LOG_FORMAT = env.str("LOG_FORMAT", default="line")
if LOG_FORMAT not in {"line", "json"}:
    raise environ.ImproperlyConfigured(f"LOG_FORMAT must be line or json, not {LOG_FORMAT!r}.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"jobs": {"()": "tasks.log_lines.JobFields"}},
    "formatters": {
        "line": {
            "()": "tasks.log_lines.PlainLines",
            "fmt": "%(asctime)s %(levelname)s %(process)d %(name)s:%(job)s %(message)s",
        },
        "json": {"()": "tasks.log_lines.JsonLines"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["jobs"],
            "formatter": LOG_FORMAT,
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # In place of gunicorn's own handler, which would write a client's address as it is.
    "loggers": {"gunicorn.error": {"handlers": [], "propagate": True}},
}

# --- Metrics ------------------------------------------------------------------------------------

# What Prometheus sends as a bearer token; without one there is no /metrics.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
