"""Processes that buy units of one row, by combining, and the books that tell what came of it."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tasks.locks import Held, Locker, LockError, StaleFence
from tests.tasks.locks.workers import TTL_S, Site

TABLES = """
    CREATE TABLE combined_stock (
        sold int NOT NULL DEFAULT 0,
        most_at_once int NOT NULL DEFAULT 0,
        fence bigint NOT NULL DEFAULT 0
    );
    INSERT INTO combined_stock DEFAULT VALUES;
    CREATE TABLE combined_sales (
        request text PRIMARY KEY, number bigint GENERATED ALWAYS AS IDENTITY
    );
"""
NO_TABLES = "DROP TABLE IF EXISTS combined_stock, combined_sales"
CLAIM = "UPDATE combined_stock SET fence = %(token)s WHERE fence <= %(token)s"
SELL = """
    INSERT INTO combined_sales (request) SELECT unnest(%s::text[]) ON CONFLICT (request) DO NOTHING
"""
COUNT = """
    UPDATE combined_stock SET sold = sold + %s, most_at_once = greatest(most_at_once, %s)
"""
NUMBERS = "SELECT request, number FROM combined_sales WHERE request = ANY(%s)"


@dataclass(frozen=True, kw_only=True)
class Shop(Site):
    """A site with a database. `heard` is a line for each answer: request, answer."""

    dsn: str

    @property
    def heard(self) -> Path:
        return self.folder / "heard"


class Seller:
    """Sells a unit to each request, once, in one transaction, if nobody newer has sold."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)

    def __call__(self, held: Held, requests: Sequence[bytes]) -> list[bytes]:
        names = [request.decode() for request in requests]
        with self._connection.transaction():
            if not self._connection.execute(CLAIM, {"token": held.token}).rowcount:
                raise StaleFence(f"token {held.token}")
            new = self._connection.execute(SELL, [names]).rowcount
            time.sleep(0.002)  # time to be killed in
            self._connection.execute(COUNT, [new, len(names)])
            numbers: dict[str, int] = dict(self._connection.execute(NUMBERS, [names]).fetchall())
        return [f"{name}={numbers[name]}".encode() for name in names]


def buy(shop: Site, seed: int) -> None:
    """Buy one unit after the other, each until it is answered."""
    assert isinstance(shop, Shop)
    uniform = random.Random(seed).uniform
    locker, seller = Locker(shop.server.client()), Seller(shop.dsn)
    heard = os.open(shop.heard, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    for count in range(1 << 30):
        request = f"{os.getpid()}.{count}"
        os.write(heard, f"{request} {_bought(locker, seller, request)}\n".encode())
        time.sleep(uniform(0, 0.005))


def _bought(locker: Locker, seller: Seller, request: str) -> str:
    while True:
        try:
            return locker.combine("hot", request.encode(), seller, ttl=TTL_S, wait=10).decode()
        except LockError:
            time.sleep(0.01)  # Redis is down or we lost the lock: ask for the same again
