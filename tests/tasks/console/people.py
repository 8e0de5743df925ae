"""Signed-in people with some permissions, for tests of the console's pages."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client


def client_with(*codenames: str) -> Client:
    """Ann of the staff, who may do just this."""
    user, _ = User.objects.get_or_create(username="ann", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def text_of(answer: Any) -> str:
    """What a person reads on the page, without the sidebar."""
    page = answer.content.decode()
    shown = page[page.index('id="content-main"') :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", shown)).split())
