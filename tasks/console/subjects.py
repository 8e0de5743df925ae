"""From what a job is about (`order:42`) to its page, which only the layers above know."""

from __future__ import annotations

from django.urls import reverse

_pages: dict[str, tuple[str, str]] = {}


def register(kind: str, page: str, permission: str) -> None:
    """Pages of subjects `kind:<id>`: the name of their address, which takes the id."""
    _pages[kind] = (page, permission)


def page_of(subject: str, permissions: set[str] | None = None) -> str:
    """Its address, or nothing when there is none.

    With `permissions`, nothing for whoever has these and may not open it.
    """
    kind, _, number = subject.partition(":")
    page, permission = _pages.get(kind, ("", ""))
    may_open = permissions is None or permission in permissions
    if not (page and number.isdecimal() and may_open):
        return ""
    return reverse(page, args=[int(number)])
