"""A server that behaves like Stripe where it matters to us, for the real `stripe` library.

It follows what Stripe documents, and not what our gateway would like: the first answer to an
idempotency key is kept, a 500 too; a key in use is a 409, one with other parameters a 400
`idempotency_error`; a declined card is a 402 with the PaymentIntent in the error; what was made a
moment ago can be listed but not yet searched; lists come in pages.

    https://docs.stripe.com/api/idempotent_requests      https://docs.stripe.com/testing
    https://docs.stripe.com/search#data-freshness         https://docs.stripe.com/api/errors
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

API_KEY = "sk_test_local"
SEARCH = re.compile(r'metadata\["(?P<name>\w+)"\]:"(?P<value>(?:[^"\\]|\\.)*)"')
HANG_S = 30.0

Object = dict[str, Any]
Answer = tuple[int, Object]

# Besides Stripe's own test cards: ways in which the network and Stripe itself go wrong.
SLOW, CUT, SILENT = "pm_test_slow", "pm_test_cut", "pm_test_silent"
ERROR_BEFORE, ERROR_AFTER, HELD = "pm_test_500", "pm_test_500_after", "pm_test_held"
STUCK = "pm_test_stuck"
CARDS = {
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_card_authenticationRequired",
    *(SLOW, CUT, SILENT, ERROR_BEFORE, ERROR_AFTER, HELD, STUCK),
}


class StripeError(Exception):
    def __init__(self, status: int, kind: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.answer: Answer = (status, {"error": {"type": kind, "message": message, **more}})
        self.keep = status in (402, 500)  # what fails validation is not kept


@dataclass
class Books:
    """All that this Stripe knows. `lock` guards everything."""

    intents: dict[str, Object] = field(default_factory=dict)
    refunds: dict[str, Object] = field(default_factory=dict)
    answers: dict[str, tuple[str, Answer]] = field(default_factory=dict)
    in_use: set[str] = field(default_factory=set)
    searchable: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    rate_limited: bool = False
    search_lags: bool = False
    refunds_fail: bool = False

    def captured(self) -> int:
        """How many charges took money."""
        return sum(intent["status"] == "succeeded" for intent in self.intents.values())

    def settle(self) -> None:
        """What was processing has succeeded."""
        for intent in self.intents.values():
            if intent["status"] == "processing":
                intent["status"] = "succeeded"

    def forget_keys(self) -> None:
        """A day goes by: all that was made is old, and its keys are forgotten."""
        self.answers.clear()
        for made in (*self.intents.values(), *self.refunds.values()):
            made["created"] -= 24 * 3600
        self.searchable.update(self.intents)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StripeServer

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(dict(parse_qsl(body.decode(), keep_blank_values=True)))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base names it so)
        """Tests are quiet."""

    def _answer(self, form: dict[str, str]) -> None:
        books, url = self.server.books, urlsplit(self.path)
        params = {**dict(parse_qsl(url.query)), **form}
        books.requests.append(f"{self.command} {url.path}")
        key = self.headers.get("Idempotency-Key", "") if self.command == "POST" else ""
        replayed = False
        try:
            if self.headers.get("Authorization") != f"Bearer {API_KEY}":
                raise StripeError(401, "invalid_request_error", "Invalid API Key provided.")
            if books.rate_limited:
                raise StripeError(429, "invalid_request_error", "Too many requests.")
            status, body, replayed = self._once(key, url.path, params)
        except StripeError as error:
            status, body = error.answer
        if params.get("payment_method") == CUT and not replayed:
            self.close_connection = True
            return
        if params.get("payment_method") == SILENT and not replayed:
            books.released.wait(HANG_S)
        self._send(status, body, replayed=replayed)

    def _once(self, key: str, path: str, params: dict[str, str]) -> tuple[int, Object, bool]:
        books, wish = self.server.books, json.dumps([path, params], sort_keys=True)
        if not key:
            return (*route(books, self.command, path, params), False)
        with books.lock:
            if key in books.answers:
                first_wish, answer = books.answers[key]
                if first_wish != wish:
                    raise StripeError(
                        400,
                        "idempotency_error",
                        "Keys for idempotent requests can only be used with the same parameters"
                        " they were first used with.",
                    )
                return (*answer, True)
            if key in books.in_use:
                raise StripeError(
                    409,
                    "idempotency_error",
                    "There is currently another in-progress request using this Idempotent Key.",
                    code="idempotency_key_in_use",
                )
            books.in_use.add(key)
        try:
            answer = route(books, self.command, path, params)
            books.answers[key] = (wish, answer)
        except StripeError as error:
            if error.keep:
                books.answers[key] = (wish, error.answer)
            raise
        finally:
            books.in_use.discard(key)
        return (*answer, False)

    def _send(self, status: int, body: Object, *, replayed: bool) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Request-Id", "req_local")
        if replayed:
            self.send_header("Idempotent-Replayed", "true")
        if status == 429:
            self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(content)


class StripeServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.books = Books()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is what some tests are about."""


@contextmanager
def stripe_server() -> Iterator[StripeServer]:
    server = StripeServer()
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield server
    finally:
        server.books.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def route(books: Books, method: str, path: str, params: dict[str, str]) -> Answer:
    match (method, path.removeprefix("/v1/").split("/")):
        case ("POST", ["payment_intents"]):
            return 200, charge(books, params)
        case ("GET", ["payment_intents"]):
            return 200, page(books, books.intents, params, path)
        case ("GET", ["payment_intents", "search"]):
            return 200, search(books, params["query"])
        case ("GET", ["payment_intents", name]) if name in books.intents:
            return 200, books.intents[name]
        case ("POST", ["refunds"]):
            return 200, refund(books, params)
        case ("GET", ["refunds"]):
            return 200, page(books, books.refunds, params, path)
    raise StripeError(404, "invalid_request_error", f"Unrecognized request URL ({method} {path}).")


def charge(books: Books, params: dict[str, str]) -> Object:
    card, amount = params.get("payment_method", ""), params.get("amount", "")
    if card not in CARDS:
        message = f"No such PaymentMethod: '{card}'"
        raise StripeError(400, "invalid_request_error", message, code="resource_missing")
    if not amount.isdigit() or int(amount) < 1 or params.get("confirm") != "true":
        raise StripeError(400, "invalid_request_error", "Invalid positive integer", param="amount")
    if card == HELD:
        books.held.set()
        books.released.wait(HANG_S)
    if card == ERROR_BEFORE:
        raise StripeError(500, "api_error", "Something went wrong.")
    with books.lock:
        intent = {
            **made("pi", "payment_intent", len(books.intents), params),
            "currency": params["currency"],
            "status": {SLOW: "processing", STUCK: "requires_capture"}.get(card, "succeeded"),
            "last_payment_error": None,
        }
        books.intents[intent["id"]] = intent
        if not books.search_lags:
            books.searchable.add(intent["id"])
    decline(intent, card, params)
    if card == ERROR_AFTER:
        raise StripeError(500, "api_error", "Something went wrong.")
    return intent


def decline(intent: Object, card: str, params: dict[str, str]) -> None:
    """Stripe's own declines. https://docs.stripe.com/declines/codes"""
    if card == "pm_card_chargeDeclined":
        problem = {"code": "card_declined", "message": "Your card was declined."}
    elif card == "pm_card_authenticationRequired":
        if params.get("error_on_requires_action") != "true":
            intent["status"] = "requires_action"
            return
        problem = {"code": "authentication_required", "message": "Authentication is required."}
    else:
        return
    intent["status"] = "requires_payment_method"
    intent["last_payment_error"] = {"type": "card_error", **problem}
    raise StripeError(
        402, "card_error", problem["message"], code=problem["code"], payment_intent={**intent}
    )


def refund(books: Books, params: dict[str, str]) -> Object:
    intent = books.intents.get(params.get("payment_intent", ""))
    if intent is None or intent["status"] != "succeeded":
        message = "This PaymentIntent does not have a successful charge to refund."
        raise StripeError(400, "invalid_request_error", message)
    with books.lock:
        given = sum(
            refund["amount"]
            for refund in books.refunds.values()
            if refund["payment_intent"] == intent["id"]
        )
        if given + int(params["amount"]) > intent["amount"]:
            message = "Refund amount is greater than unrefunded amount on charge."
            raise StripeError(400, "invalid_request_error", message)
        refund = {
            **made("re", "refund", len(books.refunds), params),
            "payment_intent": intent["id"],
            "status": "failed" if books.refunds_fail else "succeeded",
            "failure_reason": "lost_or_stolen_card" if books.refunds_fail else None,
        }
        books.refunds[refund["id"]] = refund
    return refund


def made(prefix: str, kind: str, number: int, params: dict[str, str]) -> Object:
    metadata = {
        name.removeprefix("metadata[").removesuffix("]"): value
        for name, value in params.items()
        if name.startswith("metadata[")
    }
    return {
        "id": f"{prefix}_{number:04}",
        "object": kind,
        "amount": int(params["amount"]),
        "created": int(time.time()),
        "metadata": metadata,
    }


def page(books: Books, rows: dict[str, Object], params: dict[str, str], path: str) -> Object:
    """Newest first, at most `limit`, after the row `starting_after`."""
    with books.lock:
        found = list(reversed(rows.values()))
    if since := params.get("created[gte]"):
        found = [row for row in found if row["created"] >= int(since)]
    if intent := params.get("payment_intent"):
        found = [row for row in found if row["payment_intent"] == intent]
    if last := params.get("starting_after"):
        names = [row["id"] for row in found]
        found = found[names.index(last) + 1 :]
    limit = int(params.get("limit", "10"))
    return {
        "object": "list",
        "url": path,
        "has_more": len(found) > limit,
        "data": found[:limit],
    }


def search(books: Books, query: str) -> Object:
    wanted = SEARCH.fullmatch(query)
    if not wanted:
        raise StripeError(400, "invalid_request_error", f"Can't parse the query {query!r}.")
    value = re.sub(r"\\(.)", r"\1", wanted["value"])
    found = [
        intent
        for name, intent in books.intents.items()
        if name in books.searchable and intent["metadata"].get(wanted["name"]) == value
    ]
    return {
        "object": "search_result",
        "url": "/v1/payment_intents/search",
        "has_more": False,
        "next_page": None,
        "data": found,
    }
