from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from stack.ports import free_port
from tests.running import Runner
from tests.shop.caching import forget_everything

BROWSER_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """What the cache knows of the last test is wrong now."""
    forget_everything()


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    """A headless Chromium with a fresh profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*BROWSER_FLAGS, f"--user-data-dir={profile}", "--window-size=1280,900"):
            options.add_argument(flag)
        chrome = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            yield chrome
        finally:
            chrome.quit()


@pytest.fixture
def mail_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the mail sink of `workers` keeps what it gets, as commands are told."""
    path = tmp_path / "mail"
    monkeypatch.setenv("MAIL_DIR", str(path))
    return path


@pytest.fixture
def workers(runner: Runner, mail_dir: Path) -> Iterator[Runner]:
    """All that works on orders: dispatcher, worker, payment provider and mail sink."""
    sink = Controller(Mailbox(mail_dir), hostname="127.0.0.1", port=free_port())
    sink.start()
    port = free_port()
    env = {
        "SANDBOX_PAYMENTS_URL": f"http://127.0.0.1:{port}",
        "SANDBOX_PAYMENTS_KEY": "test-key",
        "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
    }
    runner.start_provider(port, env=env)
    runner.start_dispatcher(env=env)
    runner.start_worker(("checkout", "email"), env=env)
    yield runner
    sink.stop()
