"""Somebody with a browser."""

from __future__ import annotations

import base64
from typing import Literal

from pytest_django.live_server_helper import LiveServer
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
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
        # An element that was found may be drawn anew before it is looked at.
        self.wait = WebDriverWait(
            browser, PATIENCE_S, ignored_exceptions=[StaleElementReferenceException]
        )

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
        return str(self.browser.execute_script(text))

    def focus(self) -> str:
        """The id of what has the focus."""
        return str(self.browser.execute_script("return document.activeElement.id"))

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

    def watch_submits(self) -> None:
        """Note each submission of a form on this page, and what its button says then."""
        self.browser.execute_script(
            """
            addEventListener("submit", (event) => {
              const button = event.target.querySelector("button");
              const note = [!event.defaultPrevented, button.textContent, button.ariaDisabled];
              const notes = JSON.parse(sessionStorage.getItem("submits") ?? "[]");
              sessionStorage.setItem("submits", JSON.stringify([...notes, note]));
            });
            """
        )

    def submits(self) -> list[list[object]]:
        """[was sent, the button's text, whether it said it was disabled] of each submission."""
        text = "return JSON.parse(sessionStorage.getItem('submits'))"
        notes: list[list[object]] = self.browser.execute_script(text)
        return notes

    def type_over(self, selector: str, text: str) -> None:
        """Replace what a field holds, key by key."""
        self.see(selector)
        self.browser.execute_script("document.querySelector(arguments[0]).select()", selector)
        ActionChains(self.browser).send_keys(text).perform()

    def switch_scripts_off(self) -> None:
        """Pages can't run any; the test still can."""
        self.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})

    def take_picture(self, *, whole_page: bool = False) -> bytes:
        """A PNG of what is in the window, without its scrollbar, or of the whole page."""
        width, window, page = self.browser.execute_script(
            "const root = document.documentElement;"
            "return [root.clientWidth, innerHeight, root.scrollHeight]"
        )
        clip = {"x": 0, "y": 0, "width": width, "height": page if whole_page else window}
        options = {"captureBeyondViewport": True, "clip": {**clip, "scale": 1}}
        shot = self.browser.execute_cdp_cmd("Page.captureScreenshot", options)
        return base64.b64decode(shot["data"])

    def mark_page(self) -> None:
        """Leave something that is gone once another page is loaded."""
        self.browser.execute_script("window.marked = true")

    def is_marked_page(self) -> bool:
        text = "return window.marked === true"
        return bool(self.browser.execute_script(text))

    def width(self) -> int:
        """Of the page with all that sticks out, in CSS pixels."""
        text = "return document.documentElement.scrollWidth"
        return int(self.browser.execute_script(text))

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
