"""API keys from the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from shop.api import keys
from shop.api.models import ApiKey, Scope


class Command(BaseCommand):
    help = "Create, list and revoke API keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a key and show it, once")
        create.add_argument("--name", required=True, help="where it is used")
        create.add_argument("--user", required=True, help="name of the user it acts for")
        create.add_argument(
            "--scope", action="append", choices=Scope.values, help="several times; default: all"
        )
        actions.add_parser("list", help="all keys, by how they begin")
        revoke = actions.add_parser("revoke", help="end a key for good")
        revoke.add_argument("id", type=int)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if action == "create":
            self._create(options["name"], options["user"], options["scope"] or Scope.values)
        elif action == "list":
            self._list()
        else:
            self._revoke(options["id"])

    def _create(self, name: str, user: str, scopes: list[str]) -> None:
        found = User.objects.filter(username=user, is_active=True).first()
        if found is None:
            raise CommandError(f"There is no active user {user!r}.")
        _, key = keys.create_key(name=name, user=found, scopes=scopes)
        self.stderr.write("This is the only time that the key is shown:")
        self.stdout.write(key)

    def _list(self) -> None:
        for record in ApiKey.objects.select_related("user"):
            state = "revoked" if record.revoked_at else "live"
            who = (record.user.username, record.name, " ".join(record.scopes))
            self.stdout.write("\t".join((str(record.pk), f"{record.hint}…", state, *who)))

    def _revoke(self, key_id: int) -> None:
        if not keys.revoke_key(key_id=key_id):
            raise CommandError(f"There is no live key {key_id}.")
        self.stdout.write(f"Key {key_id} is revoked.")
