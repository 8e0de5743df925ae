"""The documentation's word: what it names exists, be it a test, a file, a command or a setting."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest
from django.core.management import get_commands

from tasks.conf import JobsConf

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GUARANTEES = ROOT / "docs" / "guarantees.md"

NODE = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ROW = re.compile(r"^\| (?!promise \|)(?!-)(.+) \|$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s]+)\)")
FILE = re.compile(r"`((?:tasks|inventory|orders|shop|stack)/[\w/]+\.\w+)`")
RUN_COMMAND = re.compile(r"\./run ([a-z]+)")
MANAGE_COMMAND = re.compile(r"(?:manage\.py|\./run manage) ([a-z_]+)")
SETTING = re.compile(r"\bJOBS_[A-Z_]+\b")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def named_tests() -> list[tuple[str, str]]:
    return sorted({found for page in PAGES for found in NODE.findall(page.read_text())})


def found_in(pattern: re.Pattern[str]) -> set[str]:
    return {found for page in PAGES for found in pattern.findall(page.read_text())}


@pytest.mark.parametrize("promise", ROW.findall(GUARANTEES.read_text()))
def test_a_promise_names_the_tests_that_prove_it(promise: str) -> None:
    proof = promise.rpartition("|")[2]
    assert [name for _, name in NODE.findall(proof) if name]


@pytest.mark.parametrize(("path", "name"), named_tests())
def test_a_named_test_exists(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text())
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert not name or name in functions


@pages
def test_a_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_a_named_file_exists() -> None:
    assert [name for name in found_in(FILE) if not (ROOT / name).exists()] == []


def test_a_named_setting_exists() -> None:
    known = {f"JOBS_{field.name.upper()}" for field in fields(JobsConf)}
    assert found_in(SETTING) <= known


def test_a_named_command_exists() -> None:
    listed = subprocess.run([ROOT / "run", "help"], capture_output=True, text=True, check=True)
    commands = set(re.findall(r"^  ([a-z]+) ", listed.stdout, re.MULTILINE))
    assert found_in(RUN_COMMAND) <= commands
    assert found_in(MANAGE_COMMAND) <= set(get_commands())


def test_the_readme_explains_every_command() -> None:
    listed = subprocess.run([ROOT / "run", "help"], capture_output=True, text=True, check=True)
    commands = set(re.findall(r"^  ([a-z]+) ", listed.stdout, re.MULTILINE))
    table = "".join(re.findall(r"^\| `\./run.*$", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert set(RUN_COMMAND.findall(table)) == commands


def test_no_two_decisions_share_a_number() -> None:
    numbers = Counter(page.name[:4] for page in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [number for number, count in numbers.items() if count > 1] == []
