"""Anything that can happen to two products, in any order, compared with a model that is obvious."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from inventory import catalogue, reservations, stock
from inventory.errors import BelowReserved, OutOfStock, ReferenceReused
from inventory.reservations import Wanted
from tests.inventory import makers

REFERENCES = st.sampled_from(["a", "b", "c", "d"])
CHOICES = st.integers(0, 12)
PRODUCTS = st.sampled_from([0, 1])
UNITS = st.integers(1, 4)
WISHES = st.dictionaries(PRODUCTS, UNITS, min_size=1)


@dataclass
class Promise:
    """What a reference wants of each product, and how that stands."""

    wish: dict[int, int]
    asked: bool = False
    held: set[int] = field(default_factory=set)
    expired: bool = False
    sold: bool = False
    returned: Counter[int] = field(default_factory=Counter)

    @property
    def whole(self) -> bool:
        return self.held == self.wish.keys() and not self.expired


class StockMachine(RuleBasedStateMachine):
    rounds = 0

    @initialize(units=st.tuples(st.integers(0, 12), st.integers(0, 12)))
    def open_shop(self, units: tuple[int, int]) -> None:
        StockMachine.rounds += 1
        self.products = [makers.product(on_hand=each) for each in units]
        self.on_hand = list(units)
        self.promises: dict[str, Promise] = {}

    # --- deciders

    @rule(name=REFERENCES, wish=WISHES)
    def ask(self, name: str, wish: dict[int, int]) -> None:
        reservations.ask(reference=self.reference(name), wanted=self.wanted(wish))
        there = all(self.products[key].stocks.exists() for key in wish)
        if there and name not in self.promises:
            self.promises[name] = Promise(wish, asked=True)

    @rule(name=REFERENCES, wish=WISHES, again=st.booleans())
    def reserve(self, name: str, wish: dict[int, int], again: bool) -> None:
        before = self.promises.get(name)
        wish = before.wish if before and again else wish
        wanted = self.wanted(wish)
        if before and before.wish != wish:
            with pytest.raises(ReferenceReused):
                reservations.reserve(reference=self.reference(name), wanted=wanted)
            return
        short = self.decided_already(before) if before else None
        if short is None:
            short = self.take_turn(name, before or Promise(wish))
        assert self.shortages(name, wanted) == {
            self.products[key].pk: units for key, units in short.items()
        }

    def decided_already(self, promise: Promise) -> dict[int, int] | None:
        """What is short, when it takes no turn to say so; None when a turn is needed."""
        if promise.sold or promise.whole:
            return {}
        if promise.asked or (promise.held and not promise.expired):
            return None
        return self.short(promise.wish, but_expired=True) or None

    def take_turn(self, name: str, promise: Promise) -> dict[int, int]:
        """Decide about all that was asked for within the same products too, oldest first."""
        self.let_expired_go(promise.wish.keys())
        for asking in list(self.promises.values()):
            if asking.asked and asking is not promise and asking.wish.keys() <= promise.wish.keys():
                if promise.asked and self.came_after(asking, promise):
                    break
                self.decide(asking)
        short = self.decide(promise)
        if not short:
            self.promises[name] = promise
        for asking in self.promises.values():
            if asking.asked and asking.wish.keys() <= promise.wish.keys():
                self.decide(asking)
        return short

    def came_after(self, one: Promise, other: Promise) -> bool:
        order = list(self.promises.values())
        return order.index(one) > order.index(other)

    def decide(self, promise: Promise) -> dict[int, int]:
        missing = {key: units for key, units in promise.wish.items() if key not in promise.held}
        short = self.short(missing)
        promise.asked = False
        if not short:
            promise.held = set(promise.wish)
            promise.expired = False
        return short

    @rule(key=PRODUCTS, units=st.integers(1, 6))
    def receive(self, key: int, units: int) -> None:
        stock.receive(product_id=self.products[key].pk, quantity=units, reference="delivery:1")
        self.let_expired_go([key])
        self.on_hand[key] += units

    @rule(key=PRODUCTS, units=st.integers(-4, 2).filter(bool))
    def adjust(self, key: int, units: int) -> None:
        promised = self.promised(key, expired_too=False)
        refused = self.on_hand[key] + units < promised
        try:
            stock.adjust(
                product_id=self.products[key].pk, quantity=units, reference="count:1", actor="ann"
            )
        except BelowReserved:
            assert refused  # and rolled back, with the expired ones that it had let go
        else:
            assert not refused
            self.let_expired_go([key])
            self.on_hand[key] += units

    # --- settlers

    @rule(choice=CHOICES, rolled_back=st.booleans())
    def commit(self, choice: int, rolled_back: bool) -> None:
        self.settle(self.chosen(choice), rolled_back=rolled_back)

    @rule(name=REFERENCES, wish=WISHES)
    def buy(self, name: str, wish: dict[int, int]) -> None:
        self.reserve(name, wish, again=True)
        self.settle(name, rolled_back=False)

    def settle(self, name: str, *, rolled_back: bool) -> None:
        promise = self.promises.get(name)
        with transaction.atomic():
            sold = reservations.commit(reference=self.reference(name))
            transaction.set_rollback(rolled_back)
        assert sold == bool(promise and (promise.sold or promise.whole))
        if promise and sold and not promise.sold and not rolled_back:
            promise.sold, promise.held = True, set()
            for key, units in promise.wish.items():
                self.on_hand[key] -= units

    @rule(choice=CHOICES)
    def release(self, choice: int) -> None:
        name = self.chosen(choice)
        promise = self.promises.get(name)
        released = reservations.release(reference=self.reference(name))
        assert released == (not (promise and promise.sold))
        if promise and released:
            promise.asked, promise.held = False, set()

    @rule(choice=CHOICES, part=st.one_of(st.none(), st.dictionaries(PRODUCTS, UNITS, min_size=1)))
    def give_back(self, choice: int, part: dict[int, int] | None) -> None:
        name = self.chosen(choice)
        promise = self.promises.get(name)
        bought = promise.wish if promise and promise.sold else {}
        target = bought if part is None else part
        if any(units > bought.get(key, 0) for key, units in target.items()) and bought:
            return  # tested apart
        wanted = [Wanted(self.products[key].pk, units) for key, units in target.items()]
        came = reservations.return_goods(
            reference=self.reference(name), wanted=None if part is None else wanted
        )
        due = Counter[int]()
        if promise and promise.sold:
            due = Counter(target) - promise.returned
            promise.returned += due
        for key, units in due.items():
            self.on_hand[key] += units
        assert came == due.total()

    # --- time

    @rule(choice=CHOICES)
    def run_out(self, choice: int) -> None:
        name = self.chosen(choice)
        makers.expire(self.reference(name))
        # Nobody tells the cache that time has passed; what it says is too small for TTL_S at most.
        makers.forget_availability(self.products)
        promise = self.promises.get(name)
        if promise and promise.held:
            promise.expired = True

    @rule()
    def tidy(self) -> None:
        reservations.release_expired()
        self.let_expired_go([0, 1])

    # --- what always holds

    @invariant()
    def rows_are_as_the_model_says(self) -> None:
        for key, product in enumerate(self.products):
            if product.stocks.exists():
                assert makers.shelf(product) == (self.on_hand[key], self.promised(key))
        makers.assert_sums(self.products)

    @invariant()
    def visitors_see_what_can_be_promised(self) -> None:
        seen = catalogue.availability([product.pk for product in self.products])
        for key, product in enumerate(self.products):
            assert seen[product.pk] == self.on_hand[key] - self.promised(key, expired_too=False)

    # --- the model

    def chosen(self, choice: int) -> str:
        """Mostly one that has reserved."""
        names = ["nobody", *self.promises]
        return names[-1 - choice % len(names)]

    def shortages(self, name: str, wanted: list[Wanted]) -> dict[int, int]:
        """Of a try to reserve."""
        try:
            reservations.reserve(reference=self.reference(name), wanted=wanted)
        except OutOfStock as error:
            return error.shortages
        return {}

    def wanted(self, wish: dict[int, int]) -> list[Wanted]:
        return [Wanted(self.products[key].pk, units) for key, units in wish.items()]

    def short(self, wish: dict[int, int], *, but_expired: bool = False) -> dict[int, int]:
        left = {
            key: self.on_hand[key] - self.promised(key, expired_too=not but_expired) for key in wish
        }
        return {key: left[key] for key, units in wish.items() if units > left[key]}

    def reference(self, name: str) -> str:
        return f"order:{StockMachine.rounds}:{name}"

    def promised(self, key: int, *, expired_too: bool = True) -> int:
        return sum(
            promise.wish[key]
            for promise in self.promises.values()
            if key in promise.held and (expired_too or not promise.expired)
        )

    def let_expired_go(self, keys: Iterable[int]) -> None:
        for promise in self.promises.values():
            if promise.expired:
                promise.held -= set(keys)
                promise.expired = bool(promise.held)


@pytest.mark.django_db(transaction=True)
def test_stock_is_as_the_model_says_whatever_happens() -> None:
    run_state_machine_as_test(
        StockMachine,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
