"""What the person at the terminal reads while we work."""

from __future__ import annotations


def say(sentence: str) -> None:
    print(f"· {sentence}", flush=True)


def line(name: str, *parts: str) -> None:
    """One row of a list: a name and what there is to say of it."""
    print(f"  {name:<16} {'  '.join(part for part in parts if part)}", flush=True)
