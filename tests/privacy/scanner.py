"""Looks for canaries: values that belong to a person and must not be where they are looked for."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus


@dataclass(frozen=True)
class Find:
    """`form` says how the canary was written there, `around` shows it in its place."""

    place: str
    canary: str
    form: str
    around: str


def scan(places: Mapping[str, str], canaries: Mapping[str, str]) -> list[Find]:
    """Every canary in every place, in whatever form."""
    return [
        Find(place, name, form, text[max(0, found.start() - 200) : found.end() + 80])
        for name, value in canaries.items()
        for form, pattern in _patterns(value)
        for place, text in places.items()
        if (found := pattern.search(text))
    ]


def _patterns(value: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    written = {
        "plain": value,
        "in JSON": json.dumps(value)[1:-1],
        "in JSON with its letters": json.dumps(value, ensure_ascii=False)[1:-1],
        "in JSON in JSON": json.dumps(json.dumps(value))[3:-3],
        "as Python": repr(value)[1:-1],
        "in HTML": html.escape(value),
        "in a URL": quote(value, safe=""),
        "in a form": quote_plus(value),
    }
    if re.fullmatch(r"\+?[\d ()-]{7,}", value):
        written["digits"] = re.sub(r"\D", "", value)
    # Most values are written alike in several forms: each way is looked for once.
    for text, form in {text: form for form, text in reversed(written.items())}.items():
        yield form, re.compile(re.escape(text), re.IGNORECASE)
    for text in _base64_forms(value.encode()):
        yield "in base64", re.compile(re.escape(text))


def _base64_forms(value: bytes) -> Iterator[str]:
    """What is sure to be in the base64 of any text around it: it may begin at three places."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + value).decode()
        sure = whole[-(-before * 4 // 3) : (before + len(value)) * 4 // 3]
        yield sure
        yield sure.translate(str.maketrans("+/", "-_"))
