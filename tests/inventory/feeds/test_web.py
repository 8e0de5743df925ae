from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from inventory.errors import CredentialInvalid, FeedError, FeedInvalid, FeedUnavailable
from inventory.feeds import FeedRow, Marks, marks, open_feed, save_marks, try_feed
from inventory.feeds.limits import Limits
from inventory.models import Supplier
from tests.inventory.feeds.reading import at, counts, read
from tests.inventory.web import Answer, SupplierSite

CSV = b"sku,quantity\nA-1,7\n"


@pytest.fixture
def other_site() -> Iterator[SupplierSite]:
    with SupplierSite() as site:
        yield site


def page(*skus: str, **members: object) -> Answer:
    products = [{"sku": sku, "quantity": 7} for sku in skus]
    body = json.dumps({"products": products, **members}).encode()
    return Answer(body, content_type="application/json")


def test_given_a_website_when_read_then_last_modified_is_the_time(site: SupplierSite) -> None:
    site.answer = Answer(CSV, headers={"Last-Modified": "Sat, 31 Jan 2026 12:00:00 GMT"})
    with open_feed(at(site.url)) as feed:
        assert list(feed.rows) == [FeedRow(2, "A-1", 7, datetime(2026, 1, 31, 12, tzinfo=UTC))]
        assert feed.total == 1


@pytest.mark.parametrize(
    "header",
    [{}, {"Last-Modified": "yesterday"}, {"Last-Modified": "Sat, 31 Jan 2099 12:00:00 GMT"}],
)
def test_given_no_believable_last_modified_when_read_then_the_time_of_asking_counts(
    site: SupplierSite, header: dict[str, str]
) -> None:
    site.answer = Answer(CSV, headers=header)
    before = timezone.now()
    (row,) = read(at(site.url))
    assert isinstance(row, FeedRow)
    assert before <= row.as_of <= before + timedelta(seconds=30)


@pytest.mark.parametrize(
    "body", [gzip.compress(CSV), gzip.compress(CSV[:9]) + gzip.compress(CSV[9:]) + b"\0" * 9]
)
def test_given_a_compressed_answer_when_read_then_it_is_unpacked(
    site: SupplierSite, body: bytes
) -> None:
    site.answer = Answer(body, headers={"Content-Encoding": "gzip"})
    assert counts(read(at(site.url))) == [(2, "A-1", 7)]
    assert site.asked[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=503), FeedUnavailable),
        (Answer(status=429), FeedUnavailable),
        (Answer(status=404), FeedInvalid),
        (Answer(status=304), FeedInvalid),
        (Answer(b"<h1>Sorry</h1>", content_type="text/html; charset=utf-8"), FeedInvalid),
        (Answer(b"<h1>Sorry</h1>"), FeedInvalid),
        (Answer(CSV, length=1000), FeedUnavailable),
        (Answer(gzip.compress(b"sku,quantity\n")[:9] + b"\0" * 20), FeedInvalid),
        (
            Answer(
                gzip.compress(b"sku,quantity\nA-1,7\n" * 99)[:40],
                headers={"Content-Encoding": "gzip"},
            ),
            FeedUnavailable,
        ),
        (Answer(gzip.compress(CSV) + b"more"), FeedInvalid),
        (Answer(CSV, headers={"Content-Encoding": "br"}), FeedInvalid),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), FeedError),
        (Answer(status=302, headers={"Location": "/stock"}), FeedInvalid),
    ],
    ids=[
        "503", "429", "404", "304 unasked", "page", "page as csv", "cut off", "bad gzip",
        "cut gzip", "more after gzip", "brotli", "redirect to a file", "redirects for ever",
    ],
)  # fmt: skip
def test_given_an_answer_that_is_no_feed_when_read_then_it_is_refused(
    site: SupplierSite, answer: Answer, error: type[FeedError]
) -> None:
    site.answer = answer
    with pytest.raises(error):
        read(at(site.url))


def test_given_an_answer_of_unknown_length_when_it_ends_within_a_line_then_that_is_not_believed(
    site: SupplierSite,
) -> None:
    site.answer = Answer(b"sku,quantity\nA-1,7\nB-2,1", length=-1)
    assert counts(read(at(site.url))) == [(2, "A-1", 7)]
    site.answer = Answer(b"sku,quantity\nA-1,7\nB-2,1")
    assert counts(read(at(site.url))) == [(2, "A-1", 7), (3, "B-2", 1)]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("9" * 30, 86400),
        (format_datetime(timezone.now() + timedelta(days=9), usegmt=False), 86400),
        (format_datetime(timezone.now() - timedelta(days=9)), 0),
        ("soon", None),
    ],
)
def test_given_the_supplier_asks_for_patience_when_read_then_the_error_says_so(
    site: SupplierSite, value: str, seconds: float | None
) -> None:
    site.answer = Answer(status=429, headers={"Retry-After": value})
    with pytest.raises(FeedUnavailable) as caught:
        read(at(site.url))
    assert caught.value.retry_after_s == seconds


@pytest.mark.parametrize("as_header", [False, True])
@pytest.mark.parametrize("length", [None, -1, 10**6])
def test_given_a_server_that_trickles_when_the_time_is_up_then_it_is_cut(
    site: SupplierSite, length: int | None, as_header: bool
) -> None:
    headers = {} if as_header else {"X-Last": "1\r\n"}  # the empty line ends the headers
    site.answer = Answer(b"x" * 10**6, length=length, trickles=True, headers=headers)
    before = timezone.now()
    with (
        pytest.raises(FeedUnavailable, match=r"more than 0\.3 s"),
        try_feed(at(site.url), Limits(seconds=0.3)),
    ):
        pytest.fail("it never ends")
    assert timezone.now() - before < timedelta(seconds=15)


@pytest.mark.parametrize("body", [b"x" * 200_000, gzip.compress(b"x" * 200_000)])
def test_given_more_than_the_limit_when_read_then_it_is_refused(
    site: SupplierSite, body: bytes
) -> None:
    """Also when what comes is small and what it unpacks to is not."""
    site.answer = Answer(body)
    with (
        pytest.raises(FeedInvalid, match="more than 100,000 bytes"),
        try_feed(at(site.url), Limits(bytes=100_000)),
    ):
        pytest.fail("it is too large")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:1/stock", FeedUnavailable),
        ("ftp://example.com/stock", FeedInvalid),
        ("http://", FeedError),
        ("http://[::1", FeedError),
        ("http://127.0.0.1:99999/", FeedInvalid),
        ("https://user:pass@127.0.0.1/", FeedInvalid),
        ("stock.csv", FeedInvalid),
        ("", FeedInvalid),
    ],
)
def test_given_an_address_without_a_feed_when_read_then_it_is_refused(
    url: str, error: type[FeedError]
) -> None:
    with pytest.raises(error):
        read(at(url))


# --- only what is new


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["ETag", "Last-Modified"])
def test_given_marks_when_asked_again_then_an_unchanged_feed_is_not_sent(
    site: SupplierSite, header: str
) -> None:
    value = {"ETag": '"v1"', "Last-Modified": "Sat, 31 Jan 2026 12:00:00 GMT"}[header]
    supplier = saved(site)
    site.answer = Answer(CSV, headers={header: value})
    take(supplier)
    asked = {"ETag": "if-none-match", "Last-Modified": "if-modified-since"}[header]
    site.answer = Answer(status=304)
    with open_feed(supplier) as feed:
        assert feed.not_modified and list(feed.rows) == [] and feed.total == 0
    save_marks(supplier, feed.marks)
    assert asked not in site.asked[0].headers
    assert site.asked[1].headers[asked] == value


@pytest.mark.django_db
def test_given_rows_that_were_not_merged_when_asked_again_then_all_comes_again(
    site: SupplierSite,
) -> None:
    supplier = saved(site)
    site.answer = Answer(CSV, headers={"ETag": '"v1"'})
    for _ in range(2):
        with open_feed(supplier) as feed:
            assert len(list(feed.rows)) == 1
        supplier.refresh_from_db()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change", [{"safety_buffer": 3}, {"quantity_field": "free"}, {"full_read_at": None}]
)
def test_given_other_settings_or_a_wish_when_asked_again_then_all_comes_again(
    site: SupplierSite, change: dict[str, object]
) -> None:
    supplier = saved(site)
    site.answer = Answer(b"sku,quantity,free\nA-1,7,5\n", headers={"ETag": '"v1"'})
    take(supplier)
    Supplier.objects.update(**change)
    supplier.refresh_from_db()
    with open_feed(supplier) as feed:
        assert not feed.not_modified


@pytest.mark.django_db
def test_given_marks_of_yesterday_when_asked_again_then_all_comes_again(
    site: SupplierSite,
) -> None:
    supplier = saved(site)
    site.answer = Answer(CSV, headers={"ETag": '"v1"'})
    take(supplier)
    Supplier.objects.update(full_read_at=timezone.now() - marks.READ_ALL_AFTER)
    supplier.refresh_from_db()
    assert not take(supplier)


@pytest.mark.django_db
def test_given_a_cursor_when_merged_then_the_next_asks_since_it(site: SupplierSite) -> None:
    supplier = saved(site, "?all=1", feed_format="json", since_parameter="since")
    site.answer = page("A-1", cursor="c 1")
    take(supplier)
    site.answer = page(cursor="c 2")
    take(supplier)
    first_full = supplier.full_read_at
    site.answer = page(as_of="2026-01-31T12:00:00Z")
    take(supplier)
    site.answer = page()
    take(supplier)
    paths = [asked.path for asked in site.asked]
    assert paths == [
        "/stock?all=1",
        "/stock?all=1&since=c+1",
        "/stock?all=1&since=c+2",
        "/stock?all=1&since=2026-01-31T12%3A00%3A00Z",
    ]
    assert supplier.cursor == "2026-01-31T12:00:00Z"  # the last said none
    assert supplier.full_read_at == first_full


# --- pages


def test_given_pages_when_read_then_their_rows_are_numbered_through(site: SupplierSite) -> None:
    site.answer = page("A-1", "A-2", next="?page=2")
    site.answers["/stock?page=2"] = page("B-1", next=f"{site.url}?page=3")
    site.answers["/stock?page=3"] = page("C-1", next=None)
    with open_feed(at(site.url, "json")) as feed:
        assert counts(list(feed.rows)) == [
            (1, "A-1", 7), (2, "A-2", 7), (3, "B-1", 7), (4, "C-1", 7),
        ]  # fmt: skip
        assert feed.total == 4
        assert feed.marks and not feed.marks.etag


def test_given_a_last_page_that_fails_when_read_then_no_row_comes(site: SupplierSite) -> None:
    site.answer = page("A-1", next="?page=2")
    site.answers["/stock?page=2"] = Answer(status=500)
    with pytest.raises(FeedUnavailable), open_feed(at(site.url, "json")):
        pytest.fail("a page is missing")


@pytest.mark.parametrize("told", ["/stock", "?page=2"])
def test_given_pages_in_a_circle_when_read_then_it_is_refused(
    site: SupplierSite, told: str
) -> None:
    site.answer = page("A-1", next="?page=2")
    site.answers["/stock?page=2"] = page("A-1", next=told)
    with pytest.raises(FeedInvalid, match="circle"):
        read(at(site.url, "json"))


def test_given_pages_without_end_when_read_then_it_stops_at_the_limit(site: SupplierSite) -> None:
    numbers = count(2)

    class Endless(dict[str, Answer]):
        def get(self, key: str, default: object = None) -> Answer:
            return page("A-1", next=f"?page={next(numbers)}")

    site.answers = Endless()
    with (
        pytest.raises(FeedInvalid, match="more than 5 pages"),
        try_feed(at(site.url, "json"), Limits(pages=5)),
    ):
        pytest.fail("it never ends")
    assert len(site.asked) == 5


def test_given_a_next_page_on_another_host_when_read_then_it_is_not_asked(
    site: SupplierSite, other_site: SupplierSite
) -> None:
    site.answer = page("A-1", next=other_site.url)
    with pytest.raises(FeedInvalid, match="another host"):
        read(at(site.url, "json"))
    assert other_site.asked == []


# --- credentials

TOKEN = "t0ken-that-nobody-may-see"


@pytest.fixture
def bearer(settings: Settings, site: SupplierSite) -> str:
    settings.SUPPLIER_SECRETS = {"ACME": f"bearer {site.host} {TOKEN}"}
    return "ACME"


def test_given_a_token_when_read_then_its_host_sees_it(site: SupplierSite, bearer: str) -> None:
    site.answer = Answer(CSV)
    read(at(site.url, credential=bearer))
    assert site.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_given_a_user_and_a_password_when_read_then_its_host_sees_them(
    site: SupplierSite, settings: Settings
) -> None:
    settings.SUPPLIER_SECRETS = {"ACME": f"basic {site.host} me:pass word"}
    site.answer = Answer(CSV)
    read(at(site.url, credential="ACME"))
    assert site.asked[0].headers["authorization"] == "Basic bWU6cGFzcyB3b3Jk"


def test_given_a_redirect_to_another_host_when_read_then_the_token_stays_at_home(
    site: SupplierSite, other_site: SupplierSite, bearer: str
) -> None:
    site.answer = Answer(status=302, headers={"Location": other_site.url})
    other_site.answer = Answer(CSV)
    assert counts(read(at(site.url, credential=bearer))) == [(2, "A-1", 7)]
    assert "authorization" in site.asked[0].headers
    assert "authorization" not in other_site.asked[0].headers


@pytest.mark.parametrize(
    ("secrets", "message"),
    [
        ({}, "There is no credential ACME"),
        ({"ACME": f"bearer elsewhere.example {TOKEN}"}, "not for this address"),
        ({"ACME": f"bearer {TOKEN}"}, "must be 'bearer HOST TOKEN'"),
        ({"ACME": TOKEN}, "must be"),
        ({"ACME": f"secret {TOKEN}"}, "must be"),
        ({"ACME": ""}, "must be"),
    ],
)
def test_given_no_credential_for_the_host_when_read_then_it_is_refused_and_nothing_told(
    site: SupplierSite, settings: Settings, secrets: dict[str, str], message: str
) -> None:
    settings.SUPPLIER_SECRETS = secrets
    with pytest.raises(CredentialInvalid, match=message) as caught:
        read(at(site.url, credential="ACME"))
    assert TOKEN not in str(caught.value)
    assert site.asked == []


def test_given_a_token_when_the_address_has_no_tls_then_only_this_machine_gets_it(
    settings: Settings,
) -> None:
    settings.SUPPLIER_SECRETS = {"ACME": f"bearer acme.example {TOKEN}"}
    with pytest.raises(CredentialInvalid, match="by https"):
        read(at("http://acme.example/stock", credential="ACME"))


@pytest.mark.parametrize("status", [200, 302, 401, 500])
def test_given_a_token_when_anything_happens_then_no_log_nor_error_shows_it(
    site: SupplierSite, bearer: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site.answer = Answer(b"sku,price\n", status=status, headers={"Location": "/stock"})
    with pytest.raises(FeedError) as caught:
        read(at(site.url, credential=bearer))
    assert "/stock" in caplog.text  # it was logged, and with all that a logger knows
    assert TOKEN not in caplog.text + repr(caught.value)


# --- makers


def saved(site: SupplierSite, query: str = "", **values: object) -> Supplier:
    return Supplier.objects.create(name="acme", feed_url=site.url + query, **values)


def take(supplier: Supplier) -> bool:
    """As a sync that ends well; whether nothing was new."""
    with open_feed(supplier) as feed:
        list(feed.rows)
    assert feed.marks is None or isinstance(feed.marks, Marks)
    save_marks(supplier, feed.marks)
    supplier.refresh_from_db()
    return feed.not_modified
