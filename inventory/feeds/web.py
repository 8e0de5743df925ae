"""Feeds by HTTP: only what is new, page by page, within limits, with a credential for one host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit

import httpx
from django.utils import timezone

from inventory.errors import CredentialInvalid, FeedInvalid, FeedUnavailable
from inventory.feeds.credentials import WebCredential, origin, web_credential
from inventory.feeds.documents import Document
from inventory.feeds.limits import Limits
from inventory.feeds.marks import Marks
from inventory.feeds.rows import shown
from inventory.feeds.source import Source, Spool
from inventory.feeds.watch import Watch
from inventory.models import Supplier

TIMEOUT = httpx.Timeout(10.0, read=30.0)  # s; suppliers' servers think before they answer
ACCEPTED = ("", "identity", "gzip", "x-gzip")
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5
TRY_LATER = frozenset({408, 425, 429})  # and all of 5xx
MAX_RETRY_AFTER_S = 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class Fetched:
    documents: list[Document]
    marks: Marks | None
    """None when nothing is new."""


def fetch(
    supplier: Supplier, marks: Marks, spool: Spool, limits: Limits,
    read: Callable[[Source], Document],
) -> Fetched:  # fmt: skip
    """All documents of the feed. Raises `FeedUnavailable`, `FeedInvalid`."""
    url = _split(supplier.feed_url)
    credential = _credential(supplier, url)
    if supplier.since_parameter and marks.cursor:
        url = _with_parameter(url, supplier.since_parameter, marks.cursor)
    with Watch(limits.seconds) as watch, httpx.Client(timeout=TIMEOUT) as client:
        conversation = _Conversation(client, watch, credential, spool)
        first = conversation.get(url, {} if supplier.since_parameter else _conditions(marks))
        if first is None:
            return Fetched(documents=[], marks=None)
        documents = [read(first.source)]
        for next_url in _next_urls(url, documents, limits):
            page = conversation.get(next_url, {})
            if page is None:
                raise FeedInvalid("The supplier answered 304 to a page that was not asked so.")
            documents.append(read(page.source))
    new = replace(marks, is_full=not marks.cursor, etag="", last_modified="")
    if supplier.since_parameter:
        new = replace(new, cursor=documents[-1].cursor[:200] or marks.cursor)
    elif len(documents) == 1:  # an unchanged first page says nothing of the others
        new = replace(new, is_full=True, etag=first.etag, last_modified=first.last_modified)
    return Fetched(documents=documents, marks=new)


def _credential(supplier: Supplier, url: SplitResult) -> WebCredential | None:
    if not supplier.credential:
        return None
    credential = web_credential(supplier.credential)
    if not credential.headers(url):
        raise CredentialInvalid(
            f"The credential {supplier.credential} is not for this address: it is sent by https,"
            f" and to {credential.host} only."
        )
    return credential


def _conditions(marks: Marks) -> dict[str, str]:
    conditions = {"If-None-Match": marks.etag, "If-Modified-Since": marks.last_modified}
    return {name: value for name, value in conditions.items() if value}


def _next_urls(
    first: SplitResult, documents: list[Document], limits: Limits
) -> Iterator[SplitResult]:
    """The pages after the first, on its host only. `documents` grows meanwhile."""
    url, seen = first, {first.geturl()}
    while told := documents[-1].next_url:
        url = _split(urljoin(url.geturl(), told))
        if origin(url) != origin(first):
            raise FeedInvalid("The feed's next page lies on another host.")
        if url.geturl() in seen:
            raise FeedInvalid("The feed's pages go in a circle.")
        if len(seen) >= limits.pages:
            raise FeedInvalid(f"The feed has more than {limits.pages:,} pages.")
        seen.add(url.geturl())
        yield url


@dataclass(frozen=True, kw_only=True)
class _Answer:
    source: Source
    etag: str
    last_modified: str


class _Conversation:
    """The requests of one reading."""

    def __init__(
        self, client: httpx.Client, watch: Watch, credential: WebCredential | None, spool: Spool
    ) -> None:
        self._client = client
        self._watch = watch
        self._credential = credential
        self._spool = spool

    def get(self, url: SplitResult, conditions: Mapping[str, str]) -> _Answer | None:
        """The document there, or None for "not modified"."""
        try:
            for _ in range(MAX_REDIRECTS + 1):
                with self._asked(url, conditions) as answer:
                    if answer.status_code not in REDIRECTS:
                        return self._taken(answer, conditions)
                    url = _split(urljoin(url.geturl(), answer.headers.get("location", "")))
        except httpx.TransportError as error:
            if self._watch.is_over:
                raise self._too_slow() from error
            told = str(error) or type(error).__name__
            raise FeedUnavailable(f"The feed can't be reached: {told}") from error
        except (httpx.InvalidURL, httpx.HTTPError, UnicodeError) as error:
            raise FeedInvalid(f"The feed's address is no good: {error}") from error
        raise FeedInvalid("The supplier's server sends us round and round.")

    def _asked(
        self, url: SplitResult, conditions: Mapping[str, str]
    ) -> AbstractContextManager[httpx.Response]:
        private = self._credential.headers(url) if self._credential else {}
        return self._client.stream(
            "GET",
            url.geturl(),
            headers={"Accept-Encoding": "gzip", **conditions, **private},
            extensions={"trace": self._watch.trace},
        )

    def _taken(self, answer: httpx.Response, conditions: Mapping[str, str]) -> _Answer | None:
        asked_at = timezone.now()
        if answer.status_code == httpx.codes.NOT_MODIFIED and conditions:
            return None
        _check(answer)
        place = self._spool.keep(answer.iter_raw())
        if self._watch.is_over:  # where nobody said how long it is, the cut looks like its end
            raise self._too_slow()
        headers = answer.headers
        is_whole = "content-length" in headers or "chunked" in headers.get("transfer-encoding", "")
        return _Answer(
            source=self._spool.source(
                place, as_of=_last_modified(answer, asked_at), is_whole=is_whole
            ),
            etag=headers.get("etag", ""),
            last_modified=headers.get("last-modified", ""),
        )

    def _too_slow(self) -> FeedUnavailable:
        return FeedUnavailable(f"The feed took more than {self._watch.seconds:g} s to come.")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        place = origin(parts)
    except ValueError as error:
        raise FeedInvalid(f"The feed's address is no good: {error}") from error
    if parts.scheme not in ("http", "https") or not place[1]:
        raise FeedInvalid("A feed's address starts with http://, https:// or file:///.")
    if parts.username or parts.password:
        raise FeedInvalid("A feed's address must hold no password; name a credential instead.")
    return parts


def _with_parameter(url: SplitResult, name: str, value: str) -> SplitResult:
    others = [pair for pair in parse_qsl(url.query, keep_blank_values=True) if pair[0] != name]
    return url._replace(query=urlencode([*others, (name, value)]))


def _check(answer: httpx.Response) -> None:
    status = answer.status_code
    if status >= 500 or status in TRY_LATER:
        raise FeedUnavailable(
            f"The supplier answered {status}.", retry_after_s=_retry_after_s(answer)
        )
    if status != httpx.codes.OK:
        raise FeedInvalid(f"The supplier answered {status}.")
    if answer.headers.get("content-type", "").startswith("text/html"):
        raise FeedInvalid("The supplier answered with an HTML page instead of a feed.")
    encoding = answer.headers.get("content-encoding", "").strip().lower()
    if encoding not in ACCEPTED:
        raise FeedInvalid(f"The supplier compressed the feed by {shown(encoding)}, not gzip.")


def _retry_after_s(answer: httpx.Response) -> float | None:
    """Seconds, from a Retry-After in seconds or an HTTP date; a day at the most."""
    value = answer.headers.get("retry-after", "")
    if value.isdecimal():
        return min(float(value), MAX_RETRY_AFTER_S)
    moment = _http_date(value)
    if moment is None:
        return None
    return min(max(0.0, (moment - timezone.now()).total_seconds()), MAX_RETRY_AFTER_S)


def _last_modified(answer: httpx.Response, asked_at: datetime) -> datetime:
    """When the supplier wrote the feed; if it doesn't say, when we asked, which surely is not
    before. (What we sold in between would then be counted as still there.)"""
    written = _http_date(answer.headers.get("last-modified", ""))
    return min(written, asked_at) if written else asked_at


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
