"""Where canaries must not be, each place as one text."""

from __future__ import annotations

import json
from typing import Any

import httpx
from celery import current_app
from django.apps import apps
from kombu import Exchange, Queue

from stack.services import Services
from tasks.models import AuditEntry, Job
from tests.privacy import canaries
from tests.privacy.house import FLOWER, METRICS_TOKEN, House


class EventTap:
    """Keeps every event that workers tell Flower, in a queue of its own."""

    def __init__(self) -> None:
        self._broker = current_app.connection_for_read()
        exchange = Exchange("celeryev", type="topic", durable=True)
        queue = Queue("canary-tap", exchange, routing_key="#", exclusive=True, auto_delete=True)
        self._queue: Any = queue(self._broker.channel())
        self._queue.declare()

    def read(self) -> str:
        told = []
        while (message := self._queue.get(no_ack=True)) is not None:
            told.append(f"{message.headers} {message.body}")
        self._broker.release()
        return "\n".join(told)


def messages_of(queue: str) -> list[str]:
    """What waits in the queue, which keeps it: properties, headers and body."""
    with current_app.connection_for_read() as broker:
        channel: Any = broker.channel()
        found = []
        while (message := channel.basic_get(queue)) is not None:
            found.append(f"{message.properties} {message.headers} {message.body!r}")
        channel.close()  # what wasn't acknowledged goes back
        return found


def ledger() -> dict[str, str]:
    """All that the platform's tables hold; of the audit log not the people's own sentences."""
    models = apps.get_app_config("tasks").get_models()
    rows: dict[str, list[dict[str, Any]]] = {
        model._meta.db_table: list(model._default_manager.values()) for model in models
    }
    for entry in rows[AuditEntry._meta.db_table]:
        entry.pop("reason")
    return {table: json.dumps(found, default=str) for table, found in rows.items()}


def redis(services: Services) -> dict[str, str]:
    """Keys and what is behind them: locks, wake-ups, limits, caches and sessions."""
    with services.redis.client() as client:
        keys: list[bytes] = client.keys("*")
        texts = [f"{key!r} {client.dump(key)!r}" for key in keys]
    return {"Redis": "\n".join(texts)}


def flower(house: House) -> dict[str, str]:
    """Its pages and its API, read from the canary's address."""
    transport = httpx.HTTPTransport(local_address=canaries.ADDRESS)
    headers = {"User-Agent": canaries.BROWSER}
    with httpx.Client(
        base_url=f"http://127.0.0.1:{house.flower}",
        transport=transport,
        auth=FLOWER,
        headers=headers,
        timeout=30,
    ) as client:
        tasks = client.get("/api/tasks").raise_for_status().json()
        pages = ["/", "/tasks", "/broker", "/api/workers", "/metrics"]
        pages += [f"/{kind}/{each}" for each in tasks for kind in ("task", "api/task/info")]
        texts = {f"Flower's {page}": client.get(page).text for page in pages}
    return {"Flower's /api/tasks": json.dumps(tasks), **texts}


def metrics(house: House) -> dict[str, str]:
    found = httpx.get(
        f"http://127.0.0.1:{house.webs[0]}/metrics",
        headers={"Authorization": f"Bearer {METRICS_TOKEN}"},
        timeout=30,
    )
    return {"/metrics": found.raise_for_status().text}


def jobs_known_to_flower(places: dict[str, str]) -> set[str]:
    known = places["Flower's /api/tasks"]
    return {str(pk) for pk in Job.objects.values_list("pk", flat=True) if str(pk) in known}
