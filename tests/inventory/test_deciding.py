from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inventory.deciding import Decision, Promise, Wish, decide
from inventory.shelves import Shelf

PRODUCTS = st.integers(1, 3)
WISHES = st.lists(
    st.builds(
        Wish,
        reference=st.sampled_from("abcdef"),
        quantities=st.dictionaries(PRODUCTS, st.integers(1, 5), min_size=1),
        ttl_s=st.just(900.0),
    ),
    max_size=12,
)
SHELVES = st.dictionaries(PRODUCTS, st.integers(0, 12)).map(
    lambda units: {
        key: Shelf(stock_id=key * 10, product_id=key, on_hand=left, reserved=0, as_of=None)
        for key, left in units.items()
    }
)


def shelf(left: int, *, product_id: int = 1) -> dict[int, Shelf]:
    return {product_id: Shelf(10, product_id, on_hand=left, reserved=0, as_of=None)}


def wishing(*units: int) -> list[Wish]:
    return [Wish(f"order:{number}", {1: each}, 900.0) for number, each in enumerate(units)]


def holds(decisions: list[Decision]) -> list[int]:
    return [sum(each.hold.values()) for each in decisions]


def test_given_too_few_units_when_decided_then_the_first_get_them() -> None:
    assert holds(decide(wishing(2, 2, 2), shelves=shelf(5), promises={})) == [2, 2, 0]


def test_given_a_wish_that_is_too_large_when_decided_then_a_smaller_one_behind_it_gets_some() -> (
    None
):
    decisions = decide(wishing(2, 4, 1), shelves=shelf(3), promises={})
    assert holds(decisions) == [2, 0, 1]
    assert decisions[1].shortages == {1: 1}


def test_given_the_same_wish_twice_when_decided_then_it_counts_once() -> None:
    [wish] = wishing(2)
    first, second = decide([wish, wish], shelves=shelf(3), promises={})
    assert first.hold == {1: 2}
    assert not second.hold
    assert second.prolong


def test_given_a_reference_for_other_goods_when_decided_then_it_clashes_and_takes_nothing() -> None:
    [wish] = wishing(2)
    promises = {wish.reference: [Promise(1, 3, "held")]}
    [decision] = decide([wish], shelves=shelf(9), promises=promises)
    assert decision.clash
    assert not decision.hold


@given(wishes=WISHES, shelves=SHELVES)
def test_decided_together_is_decided_one_after_the_other(
    wishes: list[Wish], shelves: dict[int, Shelf]
) -> None:
    together = decide(wishes, shelves=shelves, promises={})
    left, promises, alone = dict(shelves), dict[str, list[Promise]](), list[Decision]()
    for wish in wishes:
        [decision] = decide([wish], shelves=left, promises=promises)
        alone.append(decision)
        for key, units in decision.hold.items():
            old = left[key]
            left[key] = Shelf(old.stock_id, key, old.on_hand, old.reserved + units, None)
        if decision.hold:
            promises[wish.reference] = [
                Promise(key, units, "held") for key, units in wish.quantities.items()
            ]
    assert together == alone
    assert all(each.available >= 0 for each in left.values())


@given(wishes=WISHES, shelves=SHELVES)
def test_nobody_is_refused_what_is_left(wishes: list[Wish], shelves: dict[int, Shelf]) -> None:
    left = {key: each.available for key, each in shelves.items()}
    for decision in decide(wishes, shelves=shelves, promises={}):
        for key, units in decision.shortages.items():
            assert units == left.get(key, 0) < decision.wish.quantities[key]
        for key, units in decision.hold.items():
            left[key] -= units
