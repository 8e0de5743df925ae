"""Somebody with a browser."""

from __future__ import annotations

from typing import Literal

from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import url_contains
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE_S = 15  # a loaded machine with two cores


class Visitor:
    """Waits for what should appear, never for a while."""

    def __init__(self, browser: Chrome, server: LiveServer) -> None:
        self.browser = browser
        self.server = server
        self.wait = WebDriverWait(browser, PATIENCE_S)

    def open(self, path: str) -> None:
        self.browser.get(f"{self.server.url}{path}")

    def see(self, selector: str, text: str = "") -> WebElement:
        """The first such element that shows the text."""

        def shown(browser: Chrome) -> WebElement | Literal[False]:
            found = browser.find_elements(By.CSS_SELECTOR, selector)
            return next((e for e in found if e.is_displayed() and text in e.text), False)

        return self.wait.until(shown, f"{selector} with {text!r}")

    def heard(self) -> str:
        """What screen readers were told last."""
        text = "return document.querySelector('[data-say]').textContent"
        return str(self.browser.execute_script(text))  # type: ignore[no-untyped-call]

    def prefer(self, scheme: Literal["light", "dark"]) -> None:
        """Colours, without movement: nothing is half-way when it is looked at."""
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def take_a_phone(self, *, width: int = 360, height: int = 740, sharpness: int = 1) -> None:
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": sharpness, "mobile": True},
        )

    def width(self) -> int:
        """Of the page with all that sticks out, in CSS pixels."""
        text = "return document.documentElement.scrollWidth"
        return int(self.browser.execute_script(text))  # type: ignore[no-untyped-call]

    def arrive(self, path: str) -> None:
        self.wait.until(url_contains(path))

    def severe_logs(self) -> list[str]:
        """What the browser complained about, apart from the refused forms' status."""
        log = self.browser.get_log("browser")  # type: ignore[no-untyped-call]
        return [
            entry["message"]
            for entry in log
            if entry["level"] == "SEVERE" and "status of 400" not in entry["message"]
        ]
