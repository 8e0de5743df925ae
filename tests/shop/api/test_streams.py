"""An order's events as they happen, without holding the shop's threads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client
from pytest_django import Settings

from orders import states, timeline
from orders.models import Order
from orders.placing import LineRequest, place_order
from shop.api import streams
from tasks.models import Job, JobState
from tests.shop.api.serving import WAIT_S, Served, serving
from tests.shop.goods import product

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(db: None) -> Order:
    product("MUG-1")
    return place_order(
        email="ann@example.com", lines=[LineRequest("MUG-1", 1)], payment_method="pm_ok"
    )


def text_of(client: Client, order: Order, **headers: str) -> str:
    answer: Any = client.get(f"/api/orders/{order.code}/events", headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")
    return b"".join(answer.streaming_content).decode()


def kinds_in(text: str) -> list[str]:
    """Of the events that are not the end."""
    told = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    return [event["kind"] for event in told if "kind" in event]


def end(order: Order) -> None:
    states.failed(order.pk, reason="Sold out.")
    timeline.record(order_id=order.pk, kind="failed", message="Sold out.", actor="bob")
    Job.objects.update(state=JobState.SUCCEEDED)


def test_given_an_order_that_ended_then_all_is_told_and_then_the_end(
    client: Client, order: Order
) -> None:
    end(order)
    text = text_of(client, order)

    assert kinds_in(text) == ["placed", "failed"]
    assert text.endswith('event: end\ndata: {"state": "failed"}\n\n')
    assert "bob" not in text and "example.com" not in text


def test_given_the_last_event_then_only_what_came_after_it_is_told(
    client: Client, order: Order
) -> None:
    first = str(order.events.get().pk)
    end(order)
    assert kinds_in(text_of(client, order, **{"Last-Event-ID": first})) == ["failed"]

    last = str(order.events.latest("id").pk)
    done = client.get(f"/api/orders/{order.code}/events", headers={"Last-Event-ID": last})
    assert (done.status_code, done.content) == (204, b"")


def test_given_an_order_under_way_then_the_stream_ends_when_its_time_is_up(
    client: Client, order: Order, settings: Settings
) -> None:
    settings.API_STREAM_S = 0.0
    text = text_of(client, order)

    assert kinds_in(text) == ["placed"]
    assert "event: end" not in text
    assert text.startswith(f"retry: {streams.RECONNECT_MS}\n\n")
    assert streams.seats.taken == 0


def test_given_silence_then_something_is_said_now_and_then(
    client: Client, order: Order, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_STREAM_S = 0.2
    monkeypatch.setattr(streams, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.04)

    assert text_of(client, order).count(": still here\n\n") >= 2


def test_given_no_free_seat_then_the_stream_becomes_polling(
    client: Client, order: Order, settings: Settings
) -> None:
    settings.API_STREAM_S, settings.API_STREAMS_PER_PROCESS = 60.0, 0
    text = text_of(client, order)

    assert kinds_in(text) == ["placed"]
    assert text.startswith(f"retry: {streams.WHEN_CROWDED_MS}\n\n")


def test_given_a_client_that_hangs_up_then_its_seat_is_free(client: Client, order: Order) -> None:
    stream = streams.follow(order, after=0)
    next(stream)
    assert streams.seats.taken == 1
    stream.close()  # type: ignore[attr-defined]  # what the server does
    assert streams.seats.taken == 0


@pytest.fixture
def served(transactional_db: None, tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path) as running:
        yield running


@pytest.mark.django_db(transaction=True)
def test_given_a_real_server_then_events_come_as_they_happen(served: Served) -> None:
    product("MUG-1")
    order = place_order(
        email="ann@example.com", lines=[LineRequest("MUG-1", 1)], payment_method="pm_ok"
    )
    url = f"{served.url}/api/orders/{order.code}/events"
    with httpx.stream("GET", url, timeout=WAIT_S, trust_env=False) as stream:
        told = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))
        assert next(told)["kind"] == "placed"
        end(order)  # only now, with the stream open
        assert next(told)["kind"] == "failed"
        assert next(told) == {"state": "failed"}


@pytest.mark.django_db(transaction=True)
def test_given_more_streams_than_threads_then_the_shop_still_answers(served: Served) -> None:
    product("MUG-1")
    order = place_order(
        email="ann@example.com", lines=[LineRequest("MUG-1", 1)], payment_method="pm_ok"
    )
    url = f"{served.url}/api/orders/{order.code}/events"
    with ExitStack() as stack, ThreadPoolExecutor(40) as pool:
        client = stack.enter_context(
            httpx.Client(timeout=WAIT_S, trust_env=False, limits=httpx.Limits(max_connections=60))
        )
        streams_ = [pool.submit(client.get, url) for _ in range(40)]
        shops = [client.get(f"{served.url}/healthz").elapsed.total_seconds() for _ in range(5)]

        assert min(shops) < 2.0, "every thread was in a stream"
        assert {stream.result(WAIT_S).status_code for stream in streams_} == {200}
