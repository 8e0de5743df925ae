from __future__ import annotations

import smtplib
from email.message import Message
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from orders import mails
from orders.cancelling import cancel_order
from orders.checkout import advance_checkout
from orders.errors import NothingToSend
from orders.mails import Kind
from orders.models import Order
from orders.tasks import send_email
from tasks import mailing
from tasks.errors import MailRefused, MailUnknown, NotDone
from tasks.models import Effect
from tests.orders import makers
from tests.orders.provider import ScriptedProvider
from tests.orders.seams import Killed
from tests.orders.sink import SmtpSink

pytestmark = pytest.mark.django_db(transaction=True)

AWKWARD = 'Mug <b>"Tom & Jerry\'s"</b>'


@pytest.fixture
def order(provider: ScriptedProvider) -> Order:
    """A confirmed order of a product with an awkward name."""
    placed = makers.order(makers.product(name=AWKWARD, price_minor=123_456))
    advance_checkout(order_id=placed.pk)
    return placed


def send(order: Order, kind: str = "confirmation", *, job: object = None, **options: bool) -> None:
    job_id = job or uuid4()
    makers.run_as_job(lambda: mails.send(order_id=order.pk, kind=kind, **options), job_id=job_id)  # type: ignore[arg-type]


def part(message: Message, content_type: str) -> str:
    (found,) = [each for each in message.walk() if each.get_content_type() == content_type]
    payload = found.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def test_the_confirmation_arrives_as_text_and_html(sink: SmtpSink, order: Order) -> None:
    send(order)
    (message,) = sink.messages
    assert message["To"] == "ann@shop.example"
    assert message["Subject"] == f"Your order {order.pk} is confirmed"
    assert message["Message-ID"] == f"<order.{order.pk}.email.confirmation@localhost>"
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = part(message, "text/plain"), part(message, "text/html")
    assert AWKWARD in text
    assert AWKWARD not in html
    assert "Tom &amp; Jerry" in html
    for body in (text, html):
        assert "£2,469.12" in body
        assert f"/orders/{order.code}/" in body
    assert makers.kinds(order)[-1] == "email_sent"


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_sent_once_however_often_it_is_asked_for(
    sink: SmtpSink, order: Order, kind: Kind
) -> None:
    job = uuid4()
    for _ in range(3):
        send(order, kind, job=job)
    send(order, kind)
    assert len(sink.messages) == 1


def test_sending_again_is_another_mail_once_for_its_job(sink: SmtpSink, order: Order) -> None:
    job = uuid4()
    send(order)
    send(order, again=True, job=job)
    send(order, again=True, job=job)
    ids = [message["Message-ID"].strip() for message in sink.messages]
    assert ids == [
        f"<order.{order.pk}.email.confirmation@localhost>",
        f"<order.{order.pk}.email.confirmation.{job}@localhost>",
    ]


def test_a_mail_server_that_is_down_leaves_no_doubt(
    settings: Settings, sink: SmtpSink, order: Order
) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    with pytest.raises(OSError):
        send(order)
    assert not Effect.objects.filter(kind="email").exists()
    settings.EMAIL_PORT = port
    send(order)
    assert len(sink.messages) == 1


@pytest.mark.parametrize(("code", "error"), [("451 try later", NotDone), ("554 no", MailRefused)])
def test_a_server_that_says_no_leaves_no_doubt(
    sink: SmtpSink, order: Order, code: str, error: type[Exception]
) -> None:
    job = uuid4()
    sink.replies.append(code)
    with pytest.raises(error) as refusal:
        send(order, job=job)
    assert isinstance(refusal.value, MailRefused) == (error is MailRefused)
    send(order, job=job)
    assert len(sink.messages) == 1


def test_an_unknown_recipient_is_refused_for_good(sink: SmtpSink, order: Order) -> None:
    sink.recipient_replies.append("550 no such user")
    with pytest.raises(MailRefused, match="no such user"):
        send(order)
    assert sink.messages == []


def test_a_cut_connection_is_not_tried_again_by_itself(sink: SmtpSink, order: Order) -> None:
    """Given a server that took the message and went silent / When the job runs again / Then it is
    not sent twice, the timeline says so, and a person can send it again."""
    job = uuid4()
    sink.replies.append(None)
    with pytest.raises((OSError, smtplib.SMTPException)):
        send(order, job=job)
    with pytest.raises(MailUnknown, match="log"):
        send(order, job=job)
    assert len(sink.messages) == 1
    assert makers.kinds(order)[-1] == "email_unknown"
    assert Effect.objects.get(kind="email").state == Effect.State.INTENDED

    send(order, again=True)
    assert len(sink.messages) == 2


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_killed_while_it_hands_over_sends_at_most_once(
    sink: SmtpSink, order: Order, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    hand_over = mailing._hand_over

    def die(*arguments: object) -> None:
        if moment == "after":
            hand_over(*arguments)  # type: ignore[arg-type]
        raise Killed

    job = uuid4()
    monkeypatch.setattr(mailing, "_hand_over", die)
    with pytest.raises(Killed):
        send(order, job=job)
    monkeypatch.setattr(mailing, "_hand_over", hand_over)
    with pytest.raises(MailUnknown):
        send(order, job=job)
    assert len(sink.messages) == (1 if moment == "after" else 0)


def test_a_mail_that_fails_never_touches_the_order(sink: SmtpSink, order: Order) -> None:
    sink.replies.append("554 no")
    with pytest.raises(MailRefused):
        send(order)
    assert makers.fresh(order).state == Order.State.CONFIRMED


def test_an_unknown_kind_is_refused(order: Order) -> None:
    with pytest.raises(ValueError, match="birthday"):
        send(order, "birthday")


def test_sending_again_needs_a_job(sink: SmtpSink, order: Order) -> None:
    with pytest.raises(ValueError, match="job"):
        mails.send(order_id=order.pk, kind="confirmation", again=True)


def test_the_newest_mail_is_asked_for_again(provider: ScriptedProvider, order: Order) -> None:
    mails.resend(order_id=order.pk, actor="ann")
    cancel_order(order_id=order.pk)
    mails.resend(order_id=order.pk, actor="ann")
    asked = [job.kwargs for job in makers.jobs_of(order, "orders.send_email")]
    again = [call["kind"] for call in asked if call["again"]]
    assert again == ["confirmation", "cancellation"]
    assert makers.kinds(order).count("email_asked") == 2


def test_there_is_nothing_to_send_again_about_a_placed_order(provider: ScriptedProvider) -> None:
    with pytest.raises(NothingToSend, match="placed"):
        mails.resend(order_id=makers.order().pk)


@pytest.mark.parametrize("error", [MailUnknown("?"), MailRefused("550"), ValueError("kind")])
def test_the_policy_gives_up_where_trying_cannot_help(error: Exception) -> None:
    assert send_email.retry_policy.wait_s(error, failures=1, age_s=0) is None


@pytest.mark.parametrize(
    "error", [NotDone("451"), ConnectionRefusedError(), smtplib.SMTPServerDisconnected()]
)
def test_the_policy_tries_again_where_it_can(error: Exception) -> None:
    assert send_email.retry_policy.wait_s(error, failures=1, age_s=0) is not None
