"""Real processes combine on one row while everything breaks; then the books are compared."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from tests.tasks.locks.sales import NO_TABLES, TABLES, Shop, buy
from tests.tasks.locks.servers import PrivateRedis
from tests.tasks.locks.waiting import until
from tests.tasks.locks.workers import Step, Trouble, crowd

pytestmark = pytest.mark.chaos

STEPS: list[Step] = [
    Trouble.kill_holder,
    Trouble.stop_holder,
    Trouble.cut,
    Trouble.kill_holder,
    Trouble.flush,
    Trouble.stop,
    Trouble.kill,
    Trouble.restart,
    Trouble.stop_holder,
    Trouble.kill_holder,
]


@pytest.fixture
def shop(transactional_db: None, own_redis: PrivateRedis, tmp_path: Path) -> Iterator[Shop]:
    database = connection.settings_dict
    dsn = make_conninfo(
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
        host=database["HOST"],
        port=database["PORT"],
    )
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute(NO_TABLES)
        session.execute(TABLES)
        yield Shop(server=own_redis, folder=tmp_path, dsn=dsn)
        session.execute(NO_TABLES)


def answers(shop: Shop) -> list[tuple[str, str]]:
    lines = shop.heard.read_text().splitlines() if shop.heard.exists() else []
    return [(request, answer) for request, _, answer in (line.partition(" ") for line in lines)]


def test_given_all_kinds_of_trouble_then_each_request_is_served_once_and_hears_its_own_answer(
    shop: Shop,
) -> None:
    def goes_on() -> None:
        before = len(answers(shop))
        until(lambda: len(answers(shop)) > before + 20)

    with crowd(shop, size=5, work=buy) as workers:
        goes_on()
        trouble = Trouble(shop, workers, random.Random(1))
        for step in STEPS:
            step(trouble)
            goes_on()
    with psycopg.connect(shop.dsn) as session:
        sales: dict[str, int] = dict(
            session.execute("SELECT request, number FROM combined_sales").fetchall()
        )
        [(sold, most_at_once)] = session.execute("SELECT sold, most_at_once FROM combined_stock")

    heard = answers(shop)
    assert [answer for _, answer in heard] == [f"{name}={sales.get(name)}" for name, _ in heard]
    assert len({name for name, _ in heard}) == len(heard)
    assert sold == len(sales)
    assert (
        len(sales) - len(heard) <= 5 + STEPS.count(Trouble.kill_holder) + 1
    )  # nobody left to hear
    assert most_at_once > 1
