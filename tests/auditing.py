"""The auditor's word as an assertion, for the end of tests in which much happened."""

from __future__ import annotations

from shop.auditor.auditing import audit
from shop.auditor.breaches import Breach
from shop.auditor.invariants import invariants, provider_invariants


def breaches(*, without: str = "", provider: bool = True) -> list[Breach]:
    """All that is wrong at this moment; `without` is a family that the test can't keep whole."""
    found: list[Breach] = []
    chosen = (*invariants(), *(provider_invariants() if provider else ()))
    audit([each for each in chosen if each.family != without], on_breach=found.append)
    return found


def assert_sound() -> None:
    assert breaches() == []
