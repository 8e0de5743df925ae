from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from inventory.models import LowStockAlert, Supplier, SyncRun
from orders.models import Order
from shop.auditor.models import AuditRun
from shop.console.attention import Concern, concerns
from tasks import queues
from tasks.models import Effect, Job, JobState, new_job_id
from tests.orders import makers

pytestmark = pytest.mark.django_db(transaction=True)


def everything_wrong() -> None:
    """One of each kind of thing that waits for a person."""
    long_ago = timezone.now() - timedelta(hours=1)
    mug = makers.product(on_hand=10)
    late = makers.order(mug)
    Order.objects.filter(pk=late.pk).update(placed_at=long_ago)
    Job.objects.update(state=JobState.DEAD)
    Job.objects.create(id=new_job_id(), task="sample.x", queue="email", run_at=long_ago)
    Effect.objects.create(key="a", kind="charge", fingerprint="f", intended_at=long_ago)
    queues.pause(queue="stock", actor="user:1")
    supplier = Supplier.objects.create(name="acme", feed_url="file:///none.csv")
    SyncRun.objects.create(supplier=supplier, state=SyncRun.State.HELD)
    LowStockAlert.objects.create(product=mug, units=1, limit_units=5)
    AuditRun.objects.create(
        started_at=long_ago, finished_at=long_ago, invariants=30, broken=1, breaches=2
    )


def staff(role: str) -> Client:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.set(Group.objects.filter(name=role))
    client = Client()
    client.force_login(user)
    return client


def test_given_everything_is_well_then_nothing_waits_for_a_person() -> None:
    makers.order(makers.product(on_hand=10))
    assert concerns() == []
    assert "Nothing." in staff("viewer").get("/admin/").content.decode()


def test_given_everything_is_wrong_then_each_thing_is_said_the_urgent_first_and_linked() -> None:
    everything_wrong()

    found = concerns()

    urgent = [concern.urgent for concern in found]
    assert urgent == sorted(urgent, reverse=True)
    assert [begin(concern) for concern in found] == [
        "1 dead job",
        "1 effect of",
        "1 order under",
        "Queue email is",
        "The last audit",
        "Queue stock is",
        "1 sync held",
        "1 product low",
    ]
    viewer = staff("viewer")
    page = viewer.get("/admin/").content.decode()
    for concern in found:
        assert concern.text.split(":")[0] in page
        assert viewer.get(concern.link).status_code == 200


def begin(concern: Concern) -> str:
    return " ".join(concern.text.replace(":", "").split()[:3])


def test_a_member_of_the_staff_without_a_role_sees_none_of_it() -> None:
    everything_wrong()
    page = staff("nobody").get("/admin/").content.decode()
    assert "dead job" not in page and "How the jobs do" not in page
