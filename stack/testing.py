"""The pytest plugin that gives the tests servers of their own (`-p stack.testing`).

Their addresses are in the environment before Django reads its settings; the servers start with the
first test and end with the last. With DATABASE_URL, REDIS_URL and CELERY_BROKER_URL all set, those
are used instead, and tests that stop, wipe or flush servers are skipped unless --wipe-services says
that nothing in them matters.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.notebook import Notebook
from stack.processes import Tracked
from stack.services import Services, private_services

VARIABLES = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL")
PREFIX = "shop-tests-"
SERVICES = pytest.StashKey[Services]()
HOME = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("stack", "the servers the tests run on")
    group.addoption(
        "--durable", action="store_true", help="PostgreSQL syncs to disk, as in production"
    )
    group.addoption(
        "--wipe-services",
        action="store_true",
        help="the services named in the environment may be flushed and purged",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """A wrapper runs before pytest-django, which imports the settings in this very hook."""
    os.environ.setdefault("DJANGO_SECRET_KEY", "test-" + secrets.token_hex(32))
    os.environ.setdefault("SANDBOX_PAYMENTS_KEY", "test-" + secrets.token_hex(32))
    os.environ.setdefault("SUPPLIER_FILES_DIR", tempfile.gettempdir())  # where tests' feeds lie
    if not all(os.environ.get(name) for name in VARIABLES):
        _plan_private_services(early_config)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    home = config.stash.get(HOME, None)
    if home is not None:
        _remove(home)


def _plan_private_services(config: pytest.Config) -> None:
    _clear_up_after_killed_runs()
    home = Path(tempfile.mkdtemp(prefix=PREFIX))
    home.chmod(0o755)  # the servers' account must pass; each has a closed folder
    me = Tracked.of(os.getpid())
    if me:
        me.write(home / "owner.pid")
    durable = config.known_args_namespace.durable
    services = private_services(home / "servers", Notebook(home / "notebook.json"), durable=durable)
    config.stash[HOME] = home
    config.stash[SERVICES] = services
    os.environ.update(services.environment)


@pytest.fixture(scope="session", autouse=True)
def private_servers(pytestconfig: pytest.Config) -> Services | None:
    """The running servers, or None when the environment named some."""
    services = pytestconfig.stash.get(SERVICES, None)
    if services is not None:
        services.start()
    return services


@pytest.fixture
def services(private_servers: Services | None) -> Iterator[Services]:
    """Servers that a test may stop, kill, wipe and flush; what is down at its end is restarted."""
    if private_servers is None:
        pytest.skip("stops and wipes servers, so it needs private ones")
    yield private_servers
    private_servers.start()


def _clear_up_after_killed_runs() -> None:
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = Tracked.read(home / "owner.pid")
        if owner and not owner.alive() and os.access(home, os.W_OK):
            _remove(home)


def _remove(home: Path) -> None:
    private_services(home / "servers", Notebook(home / "notebook.json")).stop()
    shutil.rmtree(home, ignore_errors=True)
