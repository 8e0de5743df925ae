"""Whether a supplier's settings go together; each problem is a sentence for whoever sets them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import urlsplit

from inventory.errors import CredentialInvalid, FeedInvalid, FeedUnavailable
from inventory.feeds import files
from inventory.feeds.credentials import push_secret, web_credential
from inventory.models import Supplier

Kind = Supplier.Kind
Problem = tuple[str, str]

CREDENTIAL_NAME = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
PARAMETER = re.compile(r"[A-Za-z0-9_.\[\]-]+", re.ASCII)

BELONGS_TO = {"feed_url": Kind.WEB, "since_parameter": Kind.WEB, "folder": Kind.FOLDER,
              "pattern": Kind.FOLDER}  # fmt: skip


def problems(supplier: Supplier) -> Iterator[Problem]:
    """(field, sentence)"""
    for name, kind in BELONGS_TO.items():
        if getattr(supplier, name) and supplier.kind != kind:
            yield name, f"Only for a feed that is {kind.label}."
    if supplier.sync_every_minutes == 0:
        yield "sync_every_minutes", "At least 1, or nothing for a supplier without a schedule."
    yield from _of_names(supplier)
    yield from _of_credential(supplier)
    if supplier.kind == Kind.WEB:
        yield from _of_address(supplier)
    elif supplier.kind == Kind.FOLDER:
        yield from _of_folder(supplier)


def _of_names(supplier: Supplier) -> Iterator[Problem]:
    chosen = [supplier.sku_field, supplier.quantity_field, supplier.as_of_field]
    for field, name in zip(("sku_field", "quantity_field", "as_of_field"), chosen, strict=True):
        if name and chosen.count(name) > 1:
            yield field, "Two of the fields have this name."


def _of_credential(supplier: Supplier) -> Iterator[Problem]:
    name = supplier.credential
    if not name:
        if supplier.kind == Kind.PUSH:
            yield "credential", "Name the secret that signs the pushes."
    elif not CREDENTIAL_NAME.fullmatch(name):
        yield "credential", "A name in capitals such as ACME; never the credential itself."
    elif supplier.kind == Kind.FOLDER:
        yield "credential", "A folder needs none."
    else:
        try:
            (push_secret if supplier.kind == Kind.PUSH else web_credential)(name)
        except CredentialInvalid as error:
            yield "credential", str(error)


def _of_address(supplier: Supplier) -> Iterator[Problem]:
    since = supplier.since_parameter
    if since and supplier.feed_format != Supplier.Format.JSON:
        yield "since_parameter", "Only a JSON feed can be asked for changes."
    if since and not PARAMETER.fullmatch(since):
        yield "since_parameter", "Letters, digits, and _ . - [ ] only."
    try:
        parts = urlsplit(supplier.feed_url)
        has_port = parts.port != 0
    except ValueError as error:
        yield "feed_url", f"This is no address: {error}."
        return
    if parts.scheme == "file":
        yield from _of_place("feed_url", partial(files.place_of, supplier.feed_url))
    elif parts.scheme not in ("http", "https") or not parts.hostname or not has_port:
        yield "feed_url", "Give an address that starts with http://, https:// or file:///."
    elif parts.username or parts.password:
        yield "feed_url", "No user or password in the address; name a credential instead."


def _of_folder(supplier: Supplier) -> Iterator[Problem]:
    if "/" in supplier.pattern:
        yield "pattern", "A pattern of names, without folders."
    if supplier.folder:
        yield from _of_place("folder", partial(files.folder_of, supplier.folder))
    else:
        yield "folder", "Name the folder that the files are dropped into."


def _of_place(field: str, find: Callable[[], object]) -> Iterator[Problem]:
    try:
        find()
    except FeedInvalid as error:
        yield field, str(error)
    except FeedUnavailable:
        pass  # it may come later, and workers may see another machine's folders
