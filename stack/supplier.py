"""A sample supplier: an HTTP server with a stock feed as `/feed.csv` and `/feed.json`.

Both know ETags. `/feed.json?per_page=20` comes in pages, each an object with `products`, the
address of the `next` one, and a `cursor`; `&since=<cursor>` leaves out what was counted before.

    python -m stack.supplier --port 8002 --file catalogue.csv
    python -m stack.supplier --port 8002 --skus GIFT-001,GIFT-002 --on-hand 100

Columns: `sku`, `on_hand` and `as_of`, the time of the count in UTC. A file (CSV with a header line,
or a JSON list of objects) is read anew for each feed, so that editing it changes the next one. Its
count may be called `stock` too; a row without `as_of` was counted just now.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from stack.ports import LOOPBACK


@dataclass(frozen=True)
class Row:
    sku: str
    on_hand: int
    as_of: str


class BadQuery(Exception):
    """What was asked for makes no sense."""


class BadFile(Exception):
    """The file is no list of rows. Mend the file; the message says what is wrong."""


Source = Callable[[], list[Row]]
"""The rows of one feed."""


def rows_of_file(path: Path) -> list[Row]:
    """Raises `BadFile`, also when the file can't be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = json.loads(text) if path.suffix == ".json" else csv.DictReader(io.StringIO(text))
        return [_row(fields) for fields in found]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadFile(f"{path} is no stock list: {error!r}") from error


def rows_of_skus(skus: Iterable[str], on_hand: int) -> list[Row]:
    return [Row(sku, on_hand, _now()) for sku in skus]


def _row(found: Mapping[str, Any]) -> Row:
    on_hand = found["on_hand"] if "on_hand" in found else found["stock"]
    return Row(str(found["sku"]), int(on_hand), str(found.get("as_of") or _now()))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def as_csv(rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def as_json(rows: Iterable[Row]) -> str:
    return json.dumps([asdict(row) for row in rows], indent=1)


def as_page(rows: list[Row], query: Mapping[str, str]) -> str:
    """Raises `BadQuery`."""
    try:
        size, page = int(query["per_page"]), int(query.get("page", 1))
        since = datetime.fromisoformat(query["since"]) if query.get("since") else None
        changed = [row for row in rows if since is None or _counted(row) > since]
        is_last = page * size >= len(changed)
    except (ValueError, TypeError) as error:
        raise BadQuery(str(error)) from error
    if size < 1 or page < 1:
        raise BadQuery("per_page and page count from 1")
    newest = max(map(_counted, rows)).isoformat() if rows else query.get("since")
    document = {
        "next": None if is_last else f"?{urlencode({**query, 'page': page + 1})}",
        "cursor": newest,
        "products": [asdict(row) for row in changed[(page - 1) * size : page * size]],
    }
    return json.dumps(document, indent=1)


def _counted(row: Row) -> datetime:
    moment = datetime.fromisoformat(row.as_of)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


FEEDS: Mapping[str, tuple[str, Callable[[Iterable[Row]], str]]] = {
    "/feed.csv": ("text/csv", as_csv),
    "/feed.json": ("application/json", as_json),
}


class Handler(BaseHTTPRequestHandler):
    server_version = "SampleSupplier"
    timeout = 30  # s; a client that says nothing must not hold a thread for ever

    def __init__(self, source: Source, *args: Any, **options: Any) -> None:
        self._source = source
        super().__init__(*args, **options)

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        path, query = address.path, dict(parse_qsl(address.query))
        if path not in FEEDS:
            self.send_error(HTTPStatus.NOT_FOUND, f"Feeds: {', '.join(FEEDS)}")
            return
        content_type, written = FEEDS[path]
        has_pages = path == "/feed.json" and "per_page" in query
        try:
            rows = self._source()
            body = (as_page(rows, query) if has_pages else written(rows)).encode()
        except BadQuery as error:
            self.log_error("%s", error)
            self.send_error(HTTPStatus.BAD_REQUEST)
        except BadFile as error:
            self.log_error("%s", error)
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._send(body, content_type)

    def _send(self, body: bytes, content_type: str) -> None:
        etag = f'"{sha256(body).hexdigest()[:32]}"'
        if self.headers.get("If-None-Match") == etag:
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.send_header("ETag", etag)
            self.end_headers()
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("ETag", etag)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def make_server(source: Source, *, port: int, host: str = LOOPBACK) -> ThreadingHTTPServer:
    """A server that listens; call its `serve_forever`. Raises `OSError` when the port is taken."""
    return ThreadingHTTPServer((host, port), partial(Handler, source))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stack.supplier",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default=LOOPBACK, help="default: %(default)s")
    parser.add_argument("--port", type=int, required=True)
    stocked = parser.add_mutually_exclusive_group(required=True)
    stocked.add_argument("--file", type=Path, help="a CSV or JSON file")
    stocked.add_argument("--skus", help="separated by commas")
    parser.add_argument("--on-hand", type=int, default=100, help="with --skus: %(default)s")
    options = parser.parse_args()
    source: Source
    if options.file:
        source = partial(rows_of_file, options.file)
    else:
        source = partial(rows_of_skus, options.skus.split(","), options.on_hand)
    try:
        source()  # a list that is no list is better told now than at the first sync
        server = make_server(source, port=options.port, host=options.host)
    except (BadFile, OSError) as error:
        parser.exit(1, f"The supplier can't start: {error}\n")
    address = f"http://{options.host}:{options.port}"
    print(f"Supplier's feeds: {address}/feed.csv and {address}/feed.json", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
