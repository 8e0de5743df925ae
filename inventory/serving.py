"""Group commit: whoever holds a crowded product's lock serves everybody who wants some of it.

    naive   lock ─ BEGIN ─ one order ─ COMMIT ─ unlock ─ wake the next ─ lock ─ BEGIN ─ …
    here    lock ─ BEGIN ─ all who wait ─────── COMMIT ─ unlock, wake them with their answers

A flash sale is a crowd at one row. One order after the other, each pays for a lock's hand-off and
for a commit, and a thousand others wait meanwhile. Here two kinds of waiting are served together:

- **callers**: those who stand in line for the product's lock right now, in other processes. They
  hand over their wish with their place (`tasks.locks.combine`) and are woken with the answer;
- **asked**: reservations that were asked for in the transaction that placed the order
  (`reservations.ask`). Their jobs may be far behind; when one comes, its answer is there.

Nothing is decided differently from one by one (`inventory.deciding`), in the order of asking. A
server that dies has committed all or nothing; its callers are served by the next, and since a
reference is promised its goods once, being served twice is harmless.

Only what lies wholly within the locked products is served along. An order of several products
takes all their locks itself and serves what it can on the way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from django.db import transaction

from inventory import generations
from inventory.deciding import Decision, Promise, Wish, decide
from inventory.errors import OutOfStock, ReferenceReused
from inventory.guard import all_written, taking_turns
from inventory.shelves import Shelf, lock_shelves
from inventory.statements import SQL
from tasks.locks import Held

ASKED_AT_ONCE = 1000
"""Asked reservations served along at most: some 50 ms, which is what others wait for the lock."""

ASKED_TTL_S = 900.0
"""How long goods are held for a reference whose turn has not come yet, in seconds."""


def serve(wish: Wish) -> None:
    """Have the wish decided under its products' locks, by us or by who holds them.

    Must not be called in a transaction. Raises `OutOfStock`, `ReferenceReused` and the errors of
    the locks.
    """
    product_ids = list(wish.quantities)
    had_a_turn = False

    def take_turn(held: Held, requests: Sequence[bytes]) -> list[bytes]:
        nonlocal had_a_turn
        had_a_turn = True
        return serve_all(product_ids, held, requests)

    try:
        answer = taking_turns(product_ids, pack(wish), take_turn)
    finally:
        if had_a_turn:  # expired ones were let go even when it was not enough
            generations.renew_on_commit(product_ids)
    _unpack_answer(wish, answer)


def serve_all(product_ids: Sequence[int], held: Held, requests: Sequence[bytes]) -> list[bytes]:
    """Decide the requests, and what was asked for, in one transaction; an answer for each."""
    callers = [_unpack(request) for request in requests]
    with transaction.atomic(durable=True):
        shelves = lock_shelves(product_ids)
        wishes, promises = _gather(callers, shelves)
        decisions = decide(wishes, shelves=shelves, promises=promises)
        _write(decisions, shelves, held)
        held.check()
    answers = {id(each.wish): each for each in decisions}
    return [_pack_answer(answers[id(caller)]) for caller in callers]


# --- what waits ---------------------------------------------------------------------------------


def _gather(
    callers: Sequence[Wish], shelves: Mapping[int, Shelf]
) -> tuple[list[Wish], dict[str, list[Promise]]]:
    """All wishes in the order of asking, and what each reference was promised before.

    A caller that asked before keeps the place it asked at; the others come last.
    """
    rows = SQL.fetch_all_prepared(
        "waiting",
        {
            "stock_ids": [shelf.stock_id for shelf in shelves.values()],
            "limit": ASKED_AT_ONCE,
            "callers": [caller.reference for caller in callers],
        },
    )
    promises: dict[str, list[Promise]] = {}
    asked: dict[str, list[Wish]] = {}
    for reference, has_asked, *promise in rows:
        promises.setdefault(reference, []).append(Promise(*promise))
        if has_asked:
            asked[reference] = []
    late = [caller for caller in callers if caller.reference not in asked]
    for caller in callers:
        if caller.reference in asked:
            asked[caller.reference].append(caller)
    in_turn = [asked[key] or [_asked(key, promises[key])] for key in asked]
    return [wish for wishes in in_turn for wish in wishes] + late, promises


def _asked(reference: str, promises: Sequence[Promise]) -> Wish:
    return Wish(reference, {each.product_id: each.quantity for each in promises}, ASKED_TTL_S)


# --- what is written ----------------------------------------------------------------------------


def _write(decisions: Sequence[Decision], shelves: Mapping[int, Shelf], held: Held) -> None:
    kept = {each.wish.reference: each.wish.ttl_s for each in decisions if each.prolong}
    if kept:
        SQL.run("prolong", {"references": list(kept), "ttls_s": list(kept.values())})
    refused = [each.wish.reference for each in decisions if each.shortages]
    if refused:
        SQL.run("refuse", {"references": refused})
    holds = [
        (each.wish.reference, shelves[product_id].stock_id, quantity, each.wish.ttl_s)
        for each in decisions
        for product_id, quantity in each.hold.items()
    ]
    if holds:
        references, stock_ids, quantities, ttls_s = (
            list(column) for column in zip(*holds, strict=True)
        )
        written = SQL.fetch_all_prepared(
            "hold",
            {
                "references": references,
                "stock_ids": stock_ids,
                "quantities": quantities,
                "ttls_s": ttls_s,
                "token": held.token,
            },
        )
        all_written(len(holds), len(written), held=held)


# --- wishes and answers on their way between processes -------------------------------------------


def pack(wish: Wish) -> bytes:
    return json.dumps([wish.reference, list(wish.quantities.items()), wish.ttl_s]).encode()


def _unpack(request: bytes) -> Wish:
    reference, quantities, ttl_s = json.loads(request)
    return Wish(reference, {int(key): int(units) for key, units in quantities}, float(ttl_s))


def _pack_answer(decision: Decision) -> bytes:
    return json.dumps([list(decision.shortages.items()), decision.clash]).encode()


def _unpack_answer(wish: Wish, answer: bytes) -> None:
    """Raises `OutOfStock`, `ReferenceReused`."""
    shortages, clash = json.loads(answer)
    if clash:
        raise ReferenceReused(f"{wish.reference} stands for other goods: {clash}.")
    if shortages:
        raise OutOfStock({int(key): int(units) for key, units in shortages})
