"""No personal data where people, machines and other companies read along.

A customer whose every word is a canary goes through the whole shop, with all that goes wrong on the
way. Then each log, the ledger, RabbitMQ's messages, what Flower knows and shows, the audit log, the
metrics and Redis are looked through.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from orders.models import Order
from stack.services import Services
from tasks.models import LIVE_STATES, Attempt, Effect, Job
from tests.orders.conftest import sink
from tests.orders.sink import SmtpSink
from tests.privacy import canaries, failing_tasks, places
from tests.privacy.house import House
from tests.privacy.scanner import scan
from tests.privacy.visits import Operator, Program, Visitor
from tests.running import Runner
from tests.shop.api.callers import key_of
from tests.shop.goods import product

__all__ = ["sink"]

pytestmark = pytest.mark.django_db(transaction=True)

Wait = Callable[..., object]
OPERATOR = ("boss", "a long enough password")


def test_given_a_customer_of_canaries_then_none_is_where_others_read(
    runner: Runner, services: Services, sink: SmtpSink, wait_until: Wait
) -> None:
    product(units=100)
    owner = User.objects.create_user("owner", canaries.EMAIL, canaries.PASSWORD)
    User.objects.create_superuser(OPERATOR[0], "boss@shop.example", OPERATOR[1])
    misbehave(sink)
    house = House(runner, services, sink)
    tap = places.EventTap()

    codes = [code for web in house.webs for code in buy(web, key_of(owner))]
    for failing in (failing_tasks.break_unique, failing_tasks.break_row, failing_tasks.complain):
        for queue in ("checkout", "default"):
            failing.apply_async((owner.pk,), queue=queue)
    wait_until(lambda: not Job.objects.filter(state="scheduled").exists())
    messages = places.messages_of("checkout")
    assert len(messages) >= len(codes)
    house.start_checkout_worker()
    wait_until(lambda: Job.objects.filter(task="orders.send_email", state="queued").count() >= 4)
    messages += places.messages_of("email")
    house.start_other_worker()
    wait_until(ended, 60)
    for web in house.webs:
        look_after(web)
    wait_until(ended, 60)

    found = {
        **house.logs(),
        **places.ledger(),
        "RabbitMQ": "\n".join(messages),
        "Celery's events": tap.read(),
        **places.metrics(house),
        **places.redis(services),
    }
    found |= places.flower(house)
    assert_it_went_wrong()
    assert_all_was_written(found, house)
    secrets = {f"code of order {number}": code for number, code in enumerate(codes)}
    finds = scan(found, {**canaries.CANARIES, **secrets})
    for find in finds:
        print(f"{find.canary} ({find.form}) in {find.place}: {find.around}")  # noqa: T201
    assert {(find.place, find.canary) for find in finds} == set()


def misbehave(sink: SmtpSink) -> None:
    """The mail server refuses, quotes, and cuts the line."""
    whom = f"<{canaries.EMAIL}>"
    sink.recipient_replies.extend(
        [f"550 5.1.1 {whom}: no such user", f"450 4.2.1 {whom} is busy", "250 OK"]
    )
    sink.replies.extend([f"554 5.7.1 mail for {whom} refused", None])


def buy(port: int, key: str) -> list[str]:
    """The codes of the orders: by a guest, a customer with an account, and a program."""
    guest, program = Visitor(port), Program(port, key)
    declined = guest.order("pm_decline")
    guest.stray(declined)
    guest.send_no_http(declined)
    guest.register()
    codes = [declined, guest.order("pm_ok"), program.buy("good", "pm_ok")]
    codes += [program.buy("bad-card", canaries.CARD), program.buy("slow", "pm_error500")]
    program.stray(codes[2])
    program.notify(Order.objects.get(code=codes[2]).pk)
    return codes


def look_after(port: int) -> None:
    """The customer tries again; the operator comments, resends, refunds and cancels."""
    guest = Visitor(port)
    declined = Order.objects.filter(payment_method="pm_decline").earliest("pk")
    guest.post(f"/orders/{declined.code}/again/", page="/")
    guest.check_out("pm_ok")
    operator = Operator(port)
    operator.sign_in_as(*OPERATOR)
    operator.look_for(canaries.EMAIL)
    first, second = Order.objects.filter(state="confirmed", payment__state="captured")[:2]
    for deed in ("comment", "resend", "refund"):
        operator.do(deed, first.pk)
    operator.do("cancel", second.pk)


def ended() -> bool:
    return not Job.objects.filter(state__in=LIVE_STATES).exists()


def assert_it_went_wrong() -> None:
    """Else there was nothing to hide."""
    errors = "\n".join(Job.objects.values_list("error", flat=True))
    for name in ("MailRefused", "MailUnknown", "IntegrityError", "ValueError"):
        assert name in errors
    assert Job.objects.filter(traceback__contains="[hidden]").exists()
    assert Attempt.objects.filter(outcome="retry", error__contains="NotDone").exists()
    assert Effect.objects.filter(error__contains="[hidden]").exists()
    assert Order.objects.filter(payment__state="refunded").count() >= 2


def assert_all_was_written(found: dict[str, str], house: House) -> None:
    """Each process has a log with what was hidden, so it was the hiding that helped."""
    logs = house.logs()
    for name in ("web-1.log", "web-2.log", "worker"):
        assert any(each.startswith(name) and "[hidden]" in text for each, text in logs.items())
    assert "/orders/<code:code>/" in logs["web-1.log"]
    assert '"route": "/orders/<code:code>/"' in logs["web-2.log"]
    assert "duplicate key" in found["postgres's log"]
    assert "[hidden]" in found["Celery's events"]
    assert len(places.jobs_known_to_flower(found)) > 10
