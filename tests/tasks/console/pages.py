"""What tests of the console's pages share: somebody signed in, and what a person reads."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

Answer = Any
"""The test client's response, whose class has no public name."""


def client_with(*codenames: str) -> Client:
    """A member of the staff with just these permissions."""
    user, _ = User.objects.get_or_create(username="olga", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def actor() -> str:
    """How the audit log names her."""
    return f"user:{User.objects.get(username='olga').pk}"


def words(answer: Answer) -> str:
    """The page without its tags, in one line."""
    body = re.sub(r"<(style|script).*?</\1>", "", answer.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def text_of(answer: Answer) -> str:
    """`words`, without the sidebar."""
    page = answer.content.decode()
    shown = page[page.index('id="content-main"') :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", shown)).split())
