"""Every action and page of the admin, as it is registered, against every role.

Nothing is listed that can be found: actions, models and standard pages come from the admin's own
registry. A deed's lowest role is written here in words, and must agree with what happens. Refused
means that nothing is written, seen in the statements themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection, models
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from inventory.models import Stock, Supplier, SyncRun
from orders.models import Order
from tasks.bulk import Deed
from tasks.models import AuditEntry, Job
from tests.orders import makers
from tests.orders.provider import ScriptedProvider
from tests.orders.sink import SmtpSink
from tests.shop.auditor.working import work_off

pytestmark = pytest.mark.django_db(transaction=True)

Shop = dict[str, Any]
NAMES = ["viewer", "support", "operator", "admin"]

LOWEST = {
    "orders.order/cancel_orders": "support",
    "orders.order/refund_orders": "support",
    "orders.order/resend_emails": "support",
    "tasks.job/retry": "operator",
    "tasks.job/run_now": "operator",
    "tasks.job/cancel": "operator",
    "tasks.job/discard": "operator",
    "tasks.job/reprioritise": "operator",
    "tasks.effect/ask_provider": "operator",
    "inventory.supplier/sync_now": "operator",
    "django_celery_beat.periodictask/enable_tasks": "operator",
    "django_celery_beat.periodictask/disable_tasks": "operator",
    "django_celery_beat.periodictask/toggle_tasks": "operator",
    "django_celery_beat.periodictask/run_tasks": "operator",
}
"""The admin's list actions. Those of later releases are at least for nobody who only views."""

WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "MERGE", "WITH")
OWN_BUSINESS = ("django_session",)


def actions() -> list[str]:
    """All of them but deletion, by what they act on."""
    return sorted(
        f"{model._meta.label_lower}/{name}"
        for model, page in admin.site._registry.items()
        for _, name, _ in cast(Any, page)._get_base_actions()  # which its stubs don't know
        if name != "delete_selected"
    )


def member(role: str) -> User:
    user, _ = User.objects.get_or_create(username=role, is_staff=True)
    user.groups.set([Group.objects.get(name=role)])
    return User.objects.get(pk=user.pk)  # without what it remembers of its permissions


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(member(role))
    return client


def below(role: str) -> list[str]:
    return NAMES[: NAMES.index(role)]


def at_least(role: str) -> list[str]:
    return NAMES[NAMES.index(role) :]


def offered(model: type[models.Model], name: str, role: str) -> bool:
    request = RequestFactory().get("/admin/")
    request.user = member(role)
    return name in admin.site._registry[model].get_actions(request)


def writes(captured: CaptureQueriesContext) -> list[str]:
    statements = [query["sql"] for query in captured.captured_queries]
    return [
        sql
        for sql in statements
        if sql.lstrip(" (-\n").upper().startswith(WRITES)
        and not any(table in sql for table in OWN_BUSINESS)
    ]


@pytest.fixture
def shop(provider: ScriptedProvider, sink: SmtpSink) -> Shop:
    """One of everything that something can be done to."""
    product = makers.product(on_hand=10)
    order = makers.order(product)
    work_off(order)
    waiting = makers.order(product)
    supplier = Supplier.objects.create(name="acme", feed_url="file:///none.csv")
    run = SyncRun.objects.create(supplier=supplier, state=SyncRun.State.HELD)
    every, _ = IntervalSchedule.objects.get_or_create(every=1, period="days")
    schedule = PeriodicTask.objects.create(name="x", task="shop.clear_sessions", interval=every)
    return {
        "order": order,
        "job": Job.objects.get(subject=waiting.reference),
        "product": product,
        "stock": Stock.objects.get(product=product),
        "supplier": supplier,
        "run": run,
        "schedule": schedule,
        "user": User.objects.create_user("somebody"),
    }


def test_the_table_names_only_actions_that_there_are() -> None:
    assert set(LOWEST) <= set(actions())


def act(role: str, model: type[models.Model], name: str) -> list[str]:
    """Send the action for what there is; answers what was written."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    chosen = list(model._default_manager.values_list("pk", flat=True)[:3]) or [1]
    data = {"action": name, "_selected_action": [str(pk) for pk in chosen], "post": "yes"}
    data |= {"priority": "5"}
    client = client_of(role)
    with CaptureQueriesContext(connection) as captured:
        client.post(address, data | {"reason": "because"})
    return writes(captured)


@pytest.mark.parametrize("action", actions())
def test_an_action_is_offered_from_its_role_up_and_does_nothing_below_it(
    shop: Shop, action: str
) -> None:
    label, _, name = action.partition("/")
    model = next(m for m in admin.site._registry if m._meta.label_lower == label)
    refused = [role for role in NAMES if not offered(model, name, role)]
    assert "viewer" in refused
    if action in LOWEST:
        assert refused == below(LOWEST[action])
    for role in refused:
        assert act(role, model, name) == []
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("role", "model", "name"),
    [
        ("support", Order, "cancel_orders"),
        ("support", Order, "resend_emails"),
        ("operator", Job, "cancel"),
        ("operator", Job, "reprioritise"),
        ("operator", Supplier, "sync_now"),
        ("operator", PeriodicTask, "disable_tasks"),
        ("operator", PeriodicTask, "run_tasks"),
    ],
)
def test_given_the_role_then_the_same_request_does_it_and_is_on_record(
    shop: Shop, role: str, model: type[models.Model], name: str
) -> None:
    assert act(role, model, name) != []
    assert {entry.actor for entry in AuditEntry.objects.all()} == {f"user:{member(role).pk}"}


def test_only_admins_delete_and_only_what_is_no_record(shop: Shop) -> None:
    for model in admin.site._registry:
        for role in below("admin"):
            assert not offered(model, "delete_selected", role)
            assert act(role, model, "delete_selected") == []
    for model in (Order, Job, Stock, SyncRun, AuditEntry):
        assert not offered(model, "delete_selected", "admin")


def _why(deed: str) -> Callable[[Shop], tuple[str, dict[str, str]]]:
    return lambda s: (
        reverse("admin:orders_why", args=[s["order"].pk]),
        {"deed": deed, "reason": "because", "job": str(s["job"].pk)},
    )


def _job(deed: str) -> Callable[[Shop], tuple[str, dict[str, str]]]:
    return lambda s: (
        reverse("admin:tasks_job_act", args=[s["job"].pk]),
        {"deed": deed, "reason": "because", "priority": "5"},
    )


def _all_jobs(deed: str) -> Callable[[Shop], tuple[str, dict[str, str]]]:
    return lambda s: (
        reverse("admin:tasks_bulk"),
        {"deed": deed, "q": f"id:{s['job'].pk}", "meant": "1", "reason": "x", "priority": "5"},
    )


def _queue(deed: str) -> Callable[[Shop], tuple[str, dict[str, str]]]:
    return lambda _: (
        f"{reverse('admin:tasks_queue_deed', args=[deed])}?queue=stock",
        {"reason": "x", "confirm": "stock"},
    )


def _schedule(deed: str) -> Callable[[Shop], tuple[str, dict[str, str]]]:
    return lambda s: (reverse("admin:tasks_schedule_deed", args=[s["schedule"].pk, deed]), {})


DEEDS: dict[str, tuple[str, Callable[[Shop], tuple[str, dict[str, str]]]]] = {
    "why: cancel": ("support", _why("cancel")),
    "why: refund": ("support", _why("refund")),
    "why: resend": ("support", _why("resend")),
    "why: comment": ("support", _why("comment")),
    "why: retry": ("operator", _why("retry")),
    "change an order's address": (
        "support",
        lambda s: (reverse("admin:orders_order_change", args=[s["order"].pk]), {"email": "a@b.c"}),
    ),
    "job: cancel": ("operator", _job("cancel")),
    "all jobs: cancel": ("operator", _all_jobs("cancel")),
    "release a lock": (
        "operator",
        lambda _: (reverse("admin:tasks_lock_release"), {"key": "k", "value": "v", "reason": "x"}),
    ),
    "adjust stock": (
        "operator",
        lambda s: (
            reverse("admin:inventory_adjust", args=[s["product"].pk]),
            {"quantity": "3", "reason": "x", "wish": "0190a0a0-0000-7000-8000-000000000000"},
        ),
    ),
    "decide about a sync": (
        "operator",
        lambda s: (
            reverse("admin:inventory_syncrun_diff", args=[s["run"].pk]),
            {"decision": "approve", "reason": "x"},
        ),
    ),
    "change a schedule": (
        "operator",
        lambda s: (
            reverse("admin:django_celery_beat_periodictask_change", args=[s["schedule"].pk]),
            {"name": "y"},
        ),
    ),
    "pause a queue": ("operator", _queue("pause")),
    "resume a queue": ("operator", _queue("resume")),
    "purge a queue": ("operator", _queue("purge")),
    "stop a worker": (
        "operator",
        lambda _: (f"{reverse('admin:tasks_worker_stop')}?worker=w", {"reason": "x"}),
    ),
    "run a schedule now": ("operator", _schedule("run")),
    "switch a schedule off": ("operator", _schedule("off")),
    "switch a schedule on": ("operator", _schedule("on")),
    "ask about an effect": (
        "operator",
        lambda _: (reverse("admin:tasks_effect_ask", args=[7]), {}),
    ),
    "change a product": (
        "admin",
        lambda s: (reverse("admin:inventory_product_change", args=[s["product"].pk]), {"sku": "x"}),
    ),
    "change a supplier": (
        "admin",
        lambda s: (
            reverse("admin:inventory_supplier_change", args=[s["supplier"].pk]),
            {"name": "y"},
        ),
    ),
    "change a user": (
        "admin",
        lambda s: (reverse("admin:auth_user_change", args=[s["user"].pk]), {"is_superuser": "on"}),
    ),
    "change a password": (
        "admin",
        lambda s: (
            reverse("admin:auth_user_password_change", args=[s["user"].pk]),
            {"password1": "Xk7-hgT52", "password2": "Xk7-hgT52"},
        ),
    ),
    "make a group": (
        "admin",
        lambda _: (reverse("admin:auth_group_add"), {"name": "everything"}),
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_deed_is_refused_to_every_role_below_its_own(shop: Shop, deed: str) -> None:
    lowest, wish = DEEDS[deed]
    address, data = wish(shop)
    for role in below(lowest):
        client = client_of(role)
        with CaptureQueriesContext(connection) as captured:
            assert client.post(address, data).status_code == 403
        assert writes(captured) == []
    assert not AuditEntry.objects.exists()
    assert client_of(lowest).post(address, data).status_code != 403


def test_each_deed_on_jobs_is_refused_below_operators(shop: Shop) -> None:
    for role in below("operator"):
        client = client_of(role)
        for address, data in (wish(deed)(shop) for deed in Deed for wish in (_job, _all_jobs)):
            with CaptureQueriesContext(connection) as captured:
                assert client.post(address, data).status_code == 403
            assert writes(captured) == []
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    "model", list(admin.site._registry), ids=lambda model: model._meta.label_lower
)
def test_a_viewer_sees_everything_and_adds_changes_and_deletes_nothing(
    shop: Shop, model: type[models.Model]
) -> None:
    page, client = admin.site._registry[model], client_of("viewer")
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    request = RequestFactory().get("/admin/")
    request.user = member("viewer")
    assert page.has_view_permission(request)
    assert client.get(reverse(f"{name}_changelist")).status_code in (200, 302, 503)
    assert not page.has_add_permission(request)  # type: ignore[call-arg,unused-ignore]
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)


def test_a_stranger_and_a_customer_are_sent_to_the_login(shop: Shop) -> None:
    customer = Client()
    customer.force_login(shop["user"])
    page = reverse("admin:orders_why", args=[shop["order"].pk])
    for client in (Client(), customer):
        assert client.get(page).status_code == 302
        assert client.post(page, {"deed": "cancel", "reason": "x"}).status_code == 302
    assert makers.fresh(shop["order"]).state == Order.State.CONFIRMED
