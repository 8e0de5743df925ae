"""One trace from the request through the jobs to the charge and the e-mail, in real processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User

from orders.models import Order
from stack.ports import free_port
from tasks.models import LIVE_STATES, Job
from tests.orders.conftest import sink
from tests.orders.sink import SmtpSink
from tests.privacy import canaries
from tests.privacy.scanner import scan
from tests.privacy.visits import Program
from tests.running import Runner
from tests.shop.api.callers import key_of
from tests.shop.api.serving import serving
from tests.shop.goods import product
from tests.tracing.collector import Collector, Received

__all__ = ["sink"]

pytestmark = pytest.mark.django_db(transaction=True)

Wait = Callable[..., object]
SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture
def env(collector: Collector, sink: SmtpSink) -> dict[str, str]:
    host, port = sink.address
    return {
        **collector.env,
        "SANDBOX_PAYMENTS_URL": f"http://127.0.0.1:{free_port()}",
        "SANDBOX_PAYMENTS_KEY": "test-key",
        "EMAIL_URL": f"smtp://{host}:{port}",
    }


def test_given_an_order_by_http_then_one_trace_leads_to_its_charge_and_its_mail(
    runner: Runner, env: dict[str, str], collector: Collector, sink: SmtpSink, wait_until: Wait
) -> None:
    product(units=5)
    key = key_of(User.objects.create_user("owner", canaries.EMAIL, canaries.PASSWORD))
    sink.recipient_replies.append(f"450 4.2.1 <{canaries.EMAIL}> is busy")
    runner.start_provider(int(env["SANDBOX_PAYMENTS_URL"].rpartition(":")[2]), env=env)
    runner.start_dispatcher(env=env)
    runner.start_worker(("checkout", "email"), env=env)

    with serving(runner.logs / "web", env=env) as served:
        code = Program(served.port, key).buy("traced", "pm_ok")
        wait_until(lambda: not Job.objects.filter(state__in=LIVE_STATES).exists())
        wait_until(lambda: "POST /api/checkout" in {span.name for span in collector.spans()})
        wait_until(lambda: len(consumers(collector.spans(), "orders.send_email")) == 2)

    spans = {span.id: span for span in collector.spans()}
    (request,) = (span for span in spans.values() if span.name == "POST /api/checkout")
    mail = next(s for s in spans.values() if s.name == "email" and not s.is_error)
    assert way_to(mail, spans) == [
        ("web", SERVER, "POST /api/checkout"),
        ("web", PRODUCER, "enqueue orders.advance_checkout"),
        ("worker", CONSUMER, "orders.advance_checkout"),
        ("worker", PRODUCER, "enqueue orders.send_email"),
        ("worker", CONSUMER, "orders.send_email"),
        ("worker", CLIENT, "email"),
    ]
    (charge,) = (span for span in spans.values() if span.name == "charge")
    assert way_to(charge, spans)[2:] == [
        ("worker", CONSUMER, "orders.advance_checkout"),
        ("worker", CLIENT, "charge"),
    ]
    assert mail.trace == charge.trace == request.trace

    assert request.attributes["http.route"] == "/api/checkout"
    assert request.attributes["http.response.status_code"] == 201
    refused, sent = consumers(list(spans.values()), "orders.send_email")
    job = Job.objects.get(task="orders.send_email")
    assert (refused.attributes["job.outcome"], refused.is_error) == ("retry", True)
    assert refused.attributes["error.type"] == "NotDone"
    assert sent.attributes == {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "process",
        "messaging.destination.name": "email",
        "messaging.message.id": str(job.pk),
        "messaging.message.conversation_id": job.correlation_id,
        "job.task": "orders.send_email",
        "job.attempt": 2,
        "job.subject": Order.objects.get().reference,
        "job.outcome": "succeeded",
    }
    assert any(span.service == "dispatcher" for span in spans.values())
    everything = b"".join(collector.bodies).decode(errors="replace")
    assert scan({"spans": everything}, {**canaries.CANARIES, "code": code}) == []


def consumers(spans: list[Received], task: str) -> list[Received]:
    """The attempts of a task, the first one first."""
    found = [span for span in spans if span.kind == CONSUMER and span.name == task]
    return sorted(found, key=lambda span: span.attributes["job.attempt"])


def way_to(span: Received, spans: dict[str, Received]) -> list[tuple[str, int, str]]:
    """From the trace's first span."""
    above = way_to(spans[span.parent], spans) if span.parent else []
    return [*above, (span.service, span.kind, span.name)]
