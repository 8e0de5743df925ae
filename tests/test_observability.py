"""The dashboard and the alert rules ask about numbers that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shop.metrics import registry

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "observability"
DASHBOARD = FOLDER / "grafana-dashboard.json"
ALERTS = FOLDER / "alerts.yml"

# A rule's expression, on its line or folded over the more indented ones after it.
RULE = re.compile(r"^( +)expr: (?:>-\n((?:\1  .*\n)+)|(.+)\n)", re.MULTILINE)
NAME = re.compile(r"\b(?:jobs|lock)(?:_[a-z_]+)?\b(?!\s*[=(])")
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}


def expressions() -> Iterator[tuple[str, str]]:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for number, found in enumerate(RULE.finditer(ALERTS.read_text())):
        yield f"rule {number}", found[2] or found[3]


def told() -> set[str]:
    """Every series by name, asked of the collectors as Prometheus' client does."""
    collectors: list[Any] = list(registry()._collector_to_names)
    families = [family for collector in collectors for family in collector.describe()]
    return {family.name + suffix for family in families for suffix in SUFFIXES[family.type]}


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_every_metric_that_is_asked_for_exists(where: str, expression: str) -> None:
    without_texts = re.sub(r'"[^"]*"', "", expression)
    names = set(NAME.findall(without_texts))
    assert names, f"{where} asks for nothing"
    assert names <= told()


def test_every_alert_has_an_expression_that_was_read() -> None:
    alerts = re.findall(r"- alert: (\w+)", ALERTS.read_text())
    assert len(alerts) == len(RULE.findall(ALERTS.read_text())) > 5
    assert len(alerts) == len(re.findall(r" do: ", ALERTS.read_text()))


def test_every_number_of_ours_is_shown_or_watched() -> None:
    asked = " ".join(expression for _, expression in expressions())
    ours = {name for name in told() if name.startswith("jobs")}
    derived = {name for name in ours if name.endswith(("_sum", "_count"))}
    assert {name for name in ours - derived if not re.search(rf"\b{name}\b", asked)} == set()


def test_the_dashboard_has_no_two_panels_in_one_place() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells
