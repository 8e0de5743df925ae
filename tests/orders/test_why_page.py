"""The "Why?" page: what it tells, to whom, and what can be done from it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from inventory.models import StockMovement
from orders.models import Order, OrderEvent, Payment
from tasks.context import NOTED_WAIT_S
from tasks.locks import lock
from tasks.locks.default import default_locker
from tasks.locks.inspection import lock_info
from tasks.models import Attempt, AuditEntry, Effect, Job, JobState
from tests.orders import makers
from tests.orders.provider import ScriptedProvider
from tests.orders.sink import SmtpSink
from tests.shop.auditor.working import run_once, work_off
from tests.shop.auditor.world import job_of
from tests.tasks.locks.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

DEEDS = {
    "cancel": "cancel_order",
    "refund": "refund_order",
    "resend": "resend_email",
    "comment": "comment_order",
    "retry": "retry_job",
}


def page_of(order: Order) -> str:
    return reverse("admin:orders_why", args=[order.pk])


def client_with(*codenames: str) -> Client:
    """A member of the staff with just these permissions."""
    user = User.objects.create_user("olga", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def text_of(answer: Any) -> str:
    """What a reader sees, without tags, in one line."""
    body = re.sub(r"<(style|script).*?</\1>", "", answer.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


@pytest.fixture
def confirmed(provider: ScriptedProvider, sink: SmtpSink) -> Order:
    """Confirmed in its checkout's second attempt; the answer to its first charge was lost."""
    order = makers.order(makers.product(on_hand=10, name="A red mug"))
    provider.script.append("lost_after")
    work_off(order)
    return order


@pytest.fixture
def stuck(provider: ScriptedProvider) -> Order:
    """Its checkout is dead: its payment belongs to another provider."""
    order = makers.order(makers.product(on_hand=10))
    Payment.objects.filter(order=order).update(provider="stripe")
    run_once(job_of(order))
    return order


def test_given_an_order_then_its_page_leads_there(confirmed: Order) -> None:
    client = client_with("view_order")
    page = client.get(reverse("admin:orders_order_change", args=[confirmed.pk])).content.decode()
    assert f'href="{page_of(confirmed)}"' in page


def test_given_a_confirmed_order_then_its_story_is_told_in_order(confirmed: Order) -> None:
    text = text_of(client_with("view_order").get(page_of(confirmed)))
    told = [
        "The order is confirmed. The money was taken. Nothing more will happen by itself.",
        "The order was placed. the customer",
        "The checkout job was asked for",
        "Attempt 1 of the checkout job: to be retried",
        "GatewayUnavailable",
        "The goods are reserved.",
        "Began: taking the money",
        "Attempt 2 of the checkout job: succeeded",
        "Done: taking the money",
        "The order is confirmed.",
        "Attempt 1 of the e-mail job: succeeded",
        "Done: sending the confirmation e-mail",
        "The confirmation e-mail was sent.",
    ]
    places = [text.index(each) for each in told[:2]]
    for each in told[2:]:
        assert each in text[places[-1] :], each
        places.append(text.index(each, places[-1]))
    assert "2 × A red mug left the shelf" in text
    assert "not explained" not in text


def test_given_a_product_that_somebody_else_has_then_the_wait_for_it_is_told(
    provider: ScriptedProvider, sink: SmtpSink
) -> None:
    mug = makers.product(on_hand=10, name="A red mug")
    order = makers.order(mug)
    key = f"stock:{mug.pk}"

    def let_go_when_somebody_has_waited() -> None:
        until(lambda: longest_wait_s(key) > 2 * NOTED_WAIT_S)
        held.release()

    held = lock(key, ttl=30, wait=0)
    with ThreadPoolExecutor(1) as other:
        done = other.submit(let_go_when_somebody_has_waited)
        work_off(order)
        done.result()

    [attempt] = Attempt.objects.filter(job_id=job_of(order))
    [wait] = attempt.lock_waits or []
    assert (wait["keys"], wait["got"]) == ([key], True)
    assert wait["s"] > NOTED_WAIT_S
    text = text_of(client_with("view_order").get(page_of(order)))
    assert f"Waited {wait['s']:.1f} s for its turn at A red mug the checkout job" in text


def longest_wait_s(key: str) -> float:
    info = lock_info(default_locker(), key)
    return max((waiter.waiting_s for waiter in info.waiters), default=0.0) if info else 0.0


def test_given_permissions_then_entries_lead_to_their_records(confirmed: Order) -> None:
    client = client_with("view_order", "view_job", "view_effect", "view_stockmovement")
    page = client.get(page_of(confirmed)).content.decode()
    effect = Effect.objects.get(kind="charge")
    movements = reverse("admin:inventory_stockmovement_changelist")
    links = [
        reverse("admin:tasks_job_change", args=[job_of(confirmed)]),
        reverse("admin:tasks_effect_change", args=[effect.pk]),
        f"{movements}?q=order%3A{confirmed.pk}",
    ]
    for link in links:
        assert f'href="{link}"' in page
        assert client.get(link).status_code == 200


def test_given_no_permission_for_them_then_no_entry_is_a_link(confirmed: Order) -> None:
    page = client_with("view_order").get(page_of(confirmed)).content.decode()
    assert not re.search(r'href="/admin/(tasks|inventory)/', page)


def test_given_a_dead_checkout_when_retried_from_the_page_then_it_goes_on_and_is_on_record(
    stuck: Order,
) -> None:
    client = client_with("view_order", "retry_job")
    assert "It is stuck: its checkout job is dead (WrongGateway" in text_of(
        client.get(page_of(stuck))
    )
    job = Job.objects.get(pk=job_of(stuck))
    data = {"deed": "retry", "job": str(job.pk), "reason": "gateway set back"}
    answer = client.post(page_of(stuck), data, follow=True)

    assert "The job will run again." in text_of(answer)
    assert "olga had a job retried" in text_of(answer)
    job.refresh_from_db()
    assert job.state == JobState.SCHEDULED
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject) == ("job.retry", f"job:{job.pk}")
    assert entry.reason == "gateway set back"


def test_given_a_job_of_another_order_then_it_is_not_retried_from_here(
    stuck: Order, confirmed: Order
) -> None:
    client = client_with("view_order", "retry_job")
    data = {"deed": "retry", "job": str(job_of(stuck))}
    assert "has no such job" in text_of(client.post(page_of(confirmed), data, follow=True))
    assert Job.objects.get(pk=job_of(stuck)).state == JobState.DEAD


def test_given_a_comment_then_it_is_on_the_page_with_its_author_and_on_record(
    confirmed: Order,
) -> None:
    client = client_with("view_order", "comment_order")
    data = {"deed": "comment", "reason": "Called <twice> about it."}
    text = text_of(client.post(page_of(confirmed), data, follow=True))
    assert "Called <twice> about it." in text and "olga commented" in text
    event = OrderEvent.objects.get(kind="comment")
    assert (event.actor, event.message) == ("olga", "Called <twice> about it.")
    assert AuditEntry.objects.get().action == "order.comment"


def test_given_a_paid_order_when_cancelled_from_the_page_then_goods_and_money_come_back(
    confirmed: Order,
) -> None:
    client = client_with("view_order", "cancel_order")
    data = {"deed": "cancel", "reason": "broken in the post"}
    client.post(page_of(confirmed), data)
    work_off(confirmed)
    assert makers.fresh(confirmed).state == Order.State.CANCELLED
    assert StockMovement.objects.get(kind="returned").actor == "olga"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason) == ("order.cancel", "broken in the post")
    text = text_of(client.get(page_of(confirmed)))
    assert "The order was cancelled. The money was given back." in text
    assert "Done: giving the money back" in text and "not explained" not in text


def test_given_a_paid_order_then_it_is_refunded_and_its_mail_sent_again_from_the_page(
    confirmed: Order,
) -> None:
    client = client_with("view_order", "refund_order", "resend_email")
    client.post(page_of(confirmed), {"deed": "refund", "reason": "it broke"})
    work_off(confirmed)
    client.post(page_of(confirmed), {"deed": "resend", "reason": ""})
    work_off(confirmed)
    assert makers.fresh(confirmed).state == Order.State.REFUNDED
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["order.refund", "order.resend_email"]
    text = text_of(client.get(page_of(confirmed)))
    assert "Done: sending the refund e-mail again" in text and "not explained" not in text


@pytest.mark.parametrize("deed", ["cancel", "refund", "comment"])
def test_given_no_reason_then_the_page_asks_for_it_and_nothing_happens(
    confirmed: Order, deed: str
) -> None:
    client = client_with("view_order", *DEEDS.values())
    answer = client.post(page_of(confirmed), {"deed": deed, "reason": "  "})
    assert answer.status_code == 400 and "Say why" in text_of(answer)
    assert makers.fresh(confirmed).state == Order.State.CONFIRMED
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("deed", DEEDS)
def test_given_all_permissions_but_its_own_then_a_deed_is_neither_offered_nor_done(
    confirmed: Order, stuck: Order, deed: str
) -> None:
    others = [codename for name, codename in DEEDS.items() if name != deed]
    client = client_with("view_order", *others)
    for order in (confirmed, stuck):
        before = makers.kinds(order)
        assert f'value="{deed}"' not in client.get(page_of(order)).content.decode()
        data = {"deed": deed, "reason": "because", "job": str(job_of(order))}
        assert client.post(page_of(order), data).status_code == 403
        assert makers.kinds(order) == before
    assert Job.objects.get(pk=job_of(stuck)).state == JobState.DEAD
    assert not AuditEntry.objects.exists()


def test_given_no_permission_for_orders_then_there_is_no_page(confirmed: Order) -> None:
    client = client_with(*DEEDS.values())
    assert client.get(page_of(confirmed)).status_code == 403
    data = {"deed": "comment", "reason": "hello"}
    assert client.post(page_of(confirmed), data).status_code == 403
    assert Client().get(page_of(confirmed)).status_code == 302


def test_given_a_get_or_a_forged_form_then_nothing_is_done(confirmed: Order) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("root"))
    data = {"deed": "cancel", "reason": "because"}
    assert strict.post(page_of(confirmed), data).status_code == 403
    assert strict.get(page_of(confirmed), data).status_code == 200
    assert makers.fresh(confirmed).state == Order.State.CONFIRMED


def test_given_nonsense_then_the_page_says_so(confirmed: Order) -> None:
    client = client_with("view_order", *DEEDS.values())
    assert client.post(page_of(confirmed), {"deed": "explode"}).status_code == 400
    assert client.post(page_of(confirmed), {"deed": "retry", "job": "x"}).status_code == 400
    answer = client.post(page_of(confirmed), {"deed": "retry", "job": str(uuid4())}, follow=True)
    assert "has no such job" in text_of(answer)
    assert client.get(reverse("admin:orders_why", args=[2**40])).status_code == 404


def test_given_an_event_of_nobody_then_the_page_says_so(confirmed: Order) -> None:
    OrderEvent.objects.create(order=confirmed, kind="noted", message="Who was it?")
    assert "not explained" in text_of(client_with("view_order").get(page_of(confirmed)))
