"""axe-core, the accessibility checker, on the page that a visitor sees.

https://github.com/dequelabs/axe-core/blob/develop/doc/API.md#api-name-axerun
"""

from __future__ import annotations

from importlib.resources import files

from tests.shop.storefront.visitor import Visitor

SCRIPT = (files("selenium_axe_python") / "axe-core" / "axe.min.js").read_text()

RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(
  (found) => done(found.violations.flatMap((rule) => rule.nodes.map((node) =>
    [rule.impact, rule.id, node.target.join(" "), node.failureSummary].join(": ")))),
  (error) => done([String(error)])
);
"""


def violations(visitor: Visitor) -> list[str]:
    """What axe finds wrong with the page, one sentence for each element and rule."""
    browser = visitor.browser
    if not browser.execute_script("return typeof axe === 'object'"):
        browser.execute_script(SCRIPT)
    found: list[str] = browser.execute_async_script(RUN)
    return found


def grave(found: list[str]) -> list[str]:
    """Without what concerns whole pages only, such as landmarks, which a mail does not have."""
    return [each for each in found if each.startswith(("serious", "critical"))]
