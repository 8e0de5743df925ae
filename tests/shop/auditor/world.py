"""A shop with real orders in every state that an order can be in, and all that belongs to them.

The services made everything, run by real jobs of the ledger; only the provider is played. So this
world is sound, and whatever the auditor finds in it somebody else put there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.test import override_settings
from django.utils import timezone

from inventory import low_stock, stock
from inventory.models import Product, Reservation
from orders import mails
from orders.cancelling import cancel_order
from orders.models import Order
from orders.refunds import refund_order
from orders.sandbox import models as sandbox
from shop.tasks import clear_sessions
from tasks import jobs
from tasks.models import Effect, Job
from tests.orders import makers
from tests.orders.provider import Answer, ScriptedProvider
from tests.shop.auditor.working import run_once, work_off


@dataclass(frozen=True, kw_only=True)
class World:
    """Orders by how they ended, or by how far they are."""

    confirmed: list[Order]
    declined: list[Order]
    sold_out: list[Order]
    cancelled_early: list[Order]
    cancelled_paid: list[Order]
    refunded: list[Order]
    placed: list[Order]
    charging: list[Order]
    running: Order

    @property
    def paid(self) -> list[Order]:
        """Money was taken, whatever became of it."""
        return self.confirmed + self.refunded + self.cancelled_paid

    @property
    def sold(self) -> list[Order]:
        """The goods are with the customer."""
        return self.confirmed + self.refunded


def build(provider: ScriptedProvider) -> World:
    mug, cup = makers.product(on_hand=500), makers.product(on_hand=300, price_minor=1999)
    stock.adjust(product_id=mug.pk, quantity=-7, reference="admin:1", actor="ann")
    world = World(
        confirmed=_confirmed(provider, mug, cup),
        declined=[_ended(provider, mug, answers=["decline"]) for _ in range(3)],
        sold_out=[_ended(provider, makers.product(on_hand=1)) for _ in range(2)],
        cancelled_early=[_cancelled(makers.order(cup)) for _ in range(3)],
        cancelled_paid=[_cancelled(_ended(provider, mug, cup)) for _ in range(4)],
        refunded=[_refunded(_ended(provider, mug)) for _ in range(4)],
        placed=[makers.order(mug, cup) for _ in range(4)],
        charging=[_charging(provider, cup) for _ in range(3)],
        running=_running(mug),
    )
    _expire(world.charging[0])
    _other_jobs()
    _run_low(mug)
    _open_the_books(provider)
    return world


def _ended(
    provider: ScriptedProvider, *products: Product, answers: list[Answer] | None = None
) -> Order:
    order = makers.order(*products)
    provider.script.extend(answers or [])
    work_off(order)
    return order


def _confirmed(provider: ScriptedProvider, mug: Product, cup: Product) -> list[Order]:
    """Some at once, some after trouble, one whose worker was killed, one written to again."""
    troubles: list[list[Answer]] = [["lost_before"], ["lost_after"], ["busy"], []]
    orders = [_ended(provider, mug, cup, answers=answers) for answers in troubles * 2]
    _crash(killed := makers.order(mug))
    work_off(killed)
    mails.resend(order_id=orders[0].pk)
    work_off(orders[0])
    return [*orders, killed]


def _cancelled(order: Order) -> Order:
    assert cancel_order(order_id=order.pk)
    work_off(order)
    return order


def _refunded(order: Order) -> Order:
    refund_order(order_id=order.pk, reason="it broke")
    work_off(order)
    return order


def _charging(provider: ScriptedProvider, product: Product) -> Order:
    """Its charge got no answer; the job will ask what happened."""
    order = makers.order(product)
    provider.script.append("lost_before")
    run_once(job_of(order))
    return order


def _running(product: Product) -> Order:
    """A worker has just claimed its job, and keeps it for as long as the tests need."""
    order = makers.order(product)
    jobs.take_due(batch=1000)
    assert jobs.claim(job_of(order), worker="worker@here:1", redelivered=False)
    Job.objects.filter(pk=job_of(order)).update(lease_until=timezone.now() + timedelta(days=1))
    return order


def _crash(order: Order) -> None:
    jobs.take_due(batch=1000)
    assert jobs.claim(job_of(order), worker="worker@gone:1", redelivered=False)
    Job.objects.filter(pk=job_of(order)).update(lease_until=timezone.now())
    assert jobs.take_over_lapsed(batch=10) == 1


def _expire(order: Order) -> None:
    """Its reservation has run out and nobody came to let it go."""
    Reservation.objects.filter(reference=order.reference).update(expires_at=timezone.now())


def _other_jobs() -> None:
    """Jobs about nothing in particular, one in each remaining state."""
    assert jobs.cancel(UUID(clear_sessions.delay().id))
    assert jobs.bury(UUID(clear_sessions.delay().id), error="for the tests")
    clear_sessions.apply_async(expires=0.0)
    jobs.take_due(batch=1000)
    clear_sessions.apply_async(countdown=24 * 3600)


def _run_low(product: Product) -> None:
    """The people who order supplies get a mail too, which is about no order."""
    Product.objects.filter(pk=product.pk).update(low_stock_at=1_000)
    with override_settings(STOCK_ALERT_EMAILS=["supplies@shop.example"]):
        assert low_stock.look() == 1
        run_once(Job.objects.get(task="inventory.mail_low_stock").pk)
    assert Effect.objects.get(key__startswith="low-stock:").state == Effect.State.DONE


def _open_the_books(provider: ScriptedProvider) -> None:
    """What the played provider did, in the tables of the sandbox provider."""
    for key, charge in provider.charges.items():
        sandbox.Charge.objects.create(
            key=key,
            reference=charge.reference,
            state=charge.state,
            amount_minor=charge.amount_minor,
            currency=charge.currency,
            payment_method="pm_ok",
        )
    for key, refund in provider.refunds.items():
        charge_key = key.replace(":refund", ":charge")
        sandbox.Charge.objects.filter(key=charge_key).update(refunded_minor=refund.amount_minor)
        sandbox.Refund.objects.create(
            key=key,
            reference=f"re_{key}",
            charge=sandbox.Charge.objects.get(key=charge_key),
            state=refund.state,
            amount_minor=refund.amount_minor,
        )


def job_of(order: Order, task: str = "orders.advance_checkout") -> UUID:
    return Job.objects.get(subject=order.reference, task=task).pk
