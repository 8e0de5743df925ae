"""From what a job is about (`order:42`) to its page, which only the layers above know."""

from __future__ import annotations

from django.urls import reverse

_pages: dict[str, tuple[str, str]] = {}


def register(kind: str, page: str, permission: str) -> None:
    """Pages of subjects `kind:<id>`: the name of their address, which takes the id."""
    _pages[kind] = (page, permission)


def page_of(subject: str, permissions: set[str]) -> str:
    """Its address, or nothing when there is none that somebody with these permissions may open."""
    kind, _, number = subject.partition(":")
    page, permission = _pages.get(kind, ("", ""))
    if not (page and number.isdecimal() and permission in permissions):
        return ""
    return reverse(page, args=[int(number)])
