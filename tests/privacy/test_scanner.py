"""A scan that finds nothing proves something only if it would find what is there."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from tests.privacy.scanner import scan

CANARIES = {
    "e-mail": "zoë.o'kanari@kanari.example",
    "name": 'Zoë O’Kanari & "Co"',
    "phone": "+44 7700 900717",
}

DISGUISES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps({"body": json.dumps({"text": text})}),
    "JSON with letters as they are": lambda text: json.dumps([text], ensure_ascii=False),
    "Python": lambda text: repr({"key": text}),
    "HTML": lambda text: f"<td>{html.escape(text)}</td>",
    "URL": lambda text: f"/admin/?q={quote(text, safe='')}&page=2",
    "form": lambda text: f"email={quote_plus(text)}",
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 after one byte": lambda text: base64.b64encode(f"x{text}yz".encode()).decode(),
    "base64 after two bytes": lambda text: base64.urlsafe_b64encode(f"xy{text}z".encode()).decode(),
}


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("canary", CANARIES)
def test_given_a_planted_canary_when_scanned_then_it_is_found(canary: str, disguise: str) -> None:
    text = f"12:00 INFO something {DISGUISES[disguise](CANARIES[canary])} happened"

    finds = scan({"web.log": text, "worker.log": "12:00 INFO all is well"}, CANARIES)

    assert {(find.place, find.canary) for find in finds} == {("web.log", canary)}


def test_given_a_phone_number_without_its_spaces_then_it_is_found() -> None:
    assert scan({"log": "called 00447700900717 twice"}, CANARIES)


def test_given_clean_places_then_nothing_is_found() -> None:
    assert scan({"log": "GET /orders/<code:code>/ 200", "empty": ""}, CANARIES) == []
