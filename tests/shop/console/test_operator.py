"""An operator at work, in a real browser: what went wrong is put right, and the shop goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.urls import reverse

from inventory.models import Product, Stock, SyncRun
from orders.models import Order, Payment
from orders.placing import LineRequest, place_order
from tasks import jobs, queues
from tasks.models import AuditEntry, Job, JobState
from tests.inventory import syncing
from tests.orders.provider import ScriptedProvider
from tests.orders.sink import SmtpSink
from tests.running import Runner
from tests.shop.auditor.working import run_once
from tests.shop.auditor.world import job_of
from tests.shop.goods import product
from tests.shop.storefront.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Wait = Callable[..., object]


def placed() -> Order:
    return place_order(
        email="ann@example.com", lines=[LineRequest("MUG-1", 2)], payment_method="pm_ok"
    )


def wrong_provider(order: Order) -> None:
    """The checkout can't go on: the payment belongs to a provider that the shop has left."""
    Payment.objects.filter(order=order).update(provider="stripe")


def test_given_a_dead_job_when_tried_out_and_retried_then_the_order_completes(
    operator: Visitor, workers: Runner, wait_until: Wait
) -> None:
    product("MUG-1", name="Blue mug", price_minor=450, units=20)
    order = placed()
    wrong_provider(order)
    wait_until(lambda: Job.objects.filter(state=JobState.DEAD).exists())

    operator.open("/admin/")
    operator.see(".concerns a", "1 dead job").click()
    operator.see("td, th", "WrongGateway")
    operator.see("a", "the newest").click()
    operator.see(".note.trouble", "belongs to 'stripe'")
    Payment.objects.filter(order=order).update(provider="sandbox")  # what was wrong is put right

    operator.see("a.button", "Dry run").click()
    operator.see("button", "Dry run").click()
    operator.see(".note.good", "It would succeed.")
    operator.see("code", f"{order.reference}:charge")
    operator.see("button", "Retry for real").click()
    operator.see(".state.good", "succeeded")  # the page follows by itself
    operator.see("a", order.reference).click()
    operator.see(".note", "The order is confirmed. The money was taken.")

    assert Order.objects.get().state == Order.State.CONFIRMED
    retried = AuditEntry.objects.get(action="job.retry")
    assert retried.reason == "after a dry run: succeeded"
    assert operator.severe_logs() == []


def test_given_a_paused_queue_then_its_jobs_wait_until_it_is_resumed(
    operator: Visitor, provider: ScriptedProvider, sink: SmtpSink
) -> None:
    product("MUG-1", units=20)
    operator.open(reverse("admin:tasks_queues"))
    operator.see("a[href*='email']", "Pause").click()
    operator.see("#id_reason").send_keys("the mail server is being moved")
    operator.see("button", "Pause").click()
    operator.see(".state.warn", "paused")

    run_once(job_of(placed()))
    mail = Job.objects.get(task="orders.send_email")
    assert jobs.take_due(batch=10) == []  # the dispatcher sets it aside
    mail.refresh_from_db()
    assert mail.held
    operator.see("tr", "email paused")
    operator.open("/admin/")
    operator.see(".concerns a", "Queue email is paused").click()
    operator.see("a[href*='email']", "Resume").click()
    operator.see("#id_reason").send_keys("it has moved")
    operator.see("button", "Resume").click()
    operator.see("li", "email")

    run_once(mail.pk)
    mail.refresh_from_db()
    assert mail.state == JobState.SUCCEEDED
    assert not any(each.pause for each in queues.queues())
    entries = AuditEntry.objects.order_by("pk").values_list("action", "subject")
    assert list(entries) == [("queue.pause", "queue:email"), ("queue.resume", "queue:email")]


def test_given_a_held_sync_when_approved_then_its_stock_is_merged(
    operator: Visitor, tmp_path: Path
) -> None:
    product("MUG-1", name="Blue mug", units=20)
    supplier = syncing.supplier(tmp_path)
    syncing.feed(supplier, ("MUG-1", 3, syncing.now()))
    run = syncing.run_sync(supplier)
    assert run.state == SyncRun.State.HELD

    operator.open("/admin/")
    operator.see(".concerns a", "1 sync held").click()
    operator.see("#result_list a", str(run.pk)).click()
    operator.see(".note.trouble", "Nothing of it was applied.")
    operator.see("a", "Look and decide").click()
    operator.see("td", "-17")
    operator.see("#id_reason").send_keys("counted by hand")
    operator.see("button", "Approve and merge").click()
    operator.see("li", f"Run {run.pk} was approved")
    run_once(Job.objects.get(task="inventory.merge_approved").pk)

    operator.open(reverse("admin:inventory_syncrun_change", args=[run.pk]))
    operator.see(".figures", "changed\n1")
    assert Stock.objects.get(product=Product.objects.get()).on_hand == 3
    entry = AuditEntry.objects.get(subject=f"sync:{run.pk}")
    assert entry.reason == "counted by hand"
