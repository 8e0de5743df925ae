from __future__ import annotations

from uuid import uuid4

import pytest

from orders import timeline
from orders.models import OrderEvent
from tests.orders import makers

pytestmark = pytest.mark.django_db


def test_an_event_knows_its_job_and_its_person() -> None:
    order, job_id = makers.order(), uuid4()
    makers.run_as_job(
        lambda: timeline.record(order_id=order.pk, kind="noted", message="Hello.", actor="ann"),
        job_id=job_id,
    )
    event = OrderEvent.objects.get(order=order, kind="noted")
    assert (event.job_id, event.actor, event.message) == (job_id, "ann", "Hello.")


def test_an_event_outside_of_a_job_has_none() -> None:
    order = makers.order()
    assert timeline.record(order_id=order.pk, kind="noted", message="Hello.").job_id is None


def test_what_is_too_long_is_cut_and_not_lost() -> None:
    order = makers.order()
    event = timeline.record(order_id=order.pk, kind="k" * 99, message="m" * 999, actor="a" * 99)
    event.refresh_from_db()
    assert (len(event.kind), len(event.message), len(event.actor)) == (40, 300, 80)


def test_the_same_job_says_a_thing_once() -> None:
    order = makers.order()

    def say() -> None:
        timeline.record_once(order_id=order.pk, kind="noted", message="Hello.")

    for job_id in (uuid4(), uuid4()):
        makers.run_as_job(say, job_id=job_id)
        makers.run_as_job(say, job_id=job_id, attempt=2)
    assert makers.kinds(order).count("noted") == 2
