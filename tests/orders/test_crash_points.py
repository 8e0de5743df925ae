"""Kill a run at every place it can be cut at, run it again: the end is the same."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from orders.cancelling import cancel_order
from orders.checkout import advance_checkout
from orders.models import Order, Payment
from orders.refunds import give_back
from tests.auditing import breaches
from tests.orders import makers
from tests.orders.provider import Answer, ScriptedProvider
from tests.orders.seams import KillAt, Killed, visiting

pytestmark = pytest.mark.django_db(transaction=True)

MAX_SEAMS = 300  # a run that has more seams than this has lost its way

End = dict[str, object]


def test_checkout_killed_anywhere_confirms_once(provider: ScriptedProvider) -> None:
    """Given a kill at each seam in turn / When run again / Then one charge, one sale, one mail."""
    ends = _ends_of_all_kills(provider, [], lambda order: advance_checkout(order_id=order.pk))
    assert ends[0] == {
        "order": Order.State.CONFIRMED,
        "payment": Payment.State.CAPTURED,
        "held": 0,
        "sold": 2,
        "kept": 500,
        "kinds": ["placed", "reserved", "charged", "confirmed"],
        "mails": 1,
        "refunds": 0,
    }
    _assert_all_the_same(ends)
    assert len(ends) > 20, "the seams are not visited"


def test_checkout_killed_anywhere_while_the_answer_is_lost_confirms_once(
    provider: ScriptedProvider,
) -> None:
    ends = _ends_of_all_kills(
        provider, ["lost_after"], lambda order: advance_checkout(order_id=order.pk)
    )
    assert ends[0]["order"] == Order.State.CONFIRMED
    assert ends[0]["kept"] == 500
    _assert_all_the_same(ends)


def test_declined_checkout_killed_anywhere_gives_all_back(provider: ScriptedProvider) -> None:
    ends = _ends_of_all_kills(
        provider, ["decline"] * 2, lambda order: advance_checkout(order_id=order.pk)
    )
    assert ends[0] == {
        "order": Order.State.FAILED,
        "payment": Payment.State.REFUSED,
        "held": 0,
        "sold": 0,
        "kept": 0,
        "kinds": ["placed", "reserved", "payment_refused", "failed"],
        "mails": 0,
        "refunds": 0,
    }
    _assert_all_the_same(ends)


def test_refund_killed_anywhere_gives_back_once(provider: ScriptedProvider) -> None:
    def cancelled() -> Order:
        order = makers.order()
        advance_checkout(order_id=order.pk)
        assert cancel_order(order_id=order.pk)
        return order

    ends = _ends_of_all_kills(
        provider, [], lambda order: give_back(order_id=order.pk), given=cancelled
    )
    assert ends[0] == {
        "order": Order.State.CANCELLED,
        "payment": Payment.State.REFUNDED,
        "held": 0,
        "sold": 0,
        "kept": 0,
        "kinds": ["placed", "reserved", "charged", "confirmed", "cancelled", "refunded"],
        "mails": 3,
        "refunds": 1,
    }
    _assert_all_the_same(ends)


def _ends_of_all_kills(
    provider: ScriptedProvider,
    script: list[Answer],
    run: Callable[[Order], None],
    *,
    given: Callable[[], Order] = makers.order,
) -> list[End]:
    """The end without a kill, then with one at the first seam, at the second, and so on."""
    ends = []
    for number in range(MAX_SEAMS):
        order = given()
        provider.script.clear()
        provider.script.extend(script)
        kill = KillAt(number)
        _run_to_the_end(order, run, kill, provider)
        ends.append(_end(order, provider))
        if number and kill.seen < number:
            # The ledger is not asked: here the runs belong to jobs that it never heard of.
            assert breaches(without="ledger", provider=False) == []
            return ends
    raise AssertionError(f"more than {MAX_SEAMS} seams")


def _run_to_the_end(
    order: Order, run: Callable[[Order], None], kill: KillAt, provider: ScriptedProvider
) -> None:
    """As a worker would: the same job again after a crash or an error, a few times."""
    job_id, errors = uuid4(), []
    with visiting(kill, provider):
        for attempt in range(1, 6):
            try:
                makers.run_as_job(lambda: run(order), job_id=job_id, attempt=attempt)
                return
            except (Killed, Exception) as error:
                errors.append(error)
    raise AssertionError(f"it never came to its end: {errors}")


def _end(order: Order, provider: ScriptedProvider) -> End:
    now = makers.fresh(order)
    return {
        "order": now.state,
        "payment": now.payment.state,
        "held": makers.held(order),
        "sold": makers.sold(order),
        "kept": provider.money_kept(order.reference),
        "kinds": makers.kinds(order),
        "mails": len(makers.jobs_of(order, "orders.send_email")),
        "refunds": len(makers.jobs_of(order, "orders.refund")),
    }


def _assert_all_the_same(ends: list[End]) -> None:
    for number, end in enumerate(ends):
        assert end == ends[0], f"killed at seam {number}"
