"""An order that went well, as every record would show it."""

from __future__ import annotations

from django.utils import timezone

from inventory import reservations
from inventory.models import Product
from inventory.reservations import Wanted
from orders import states, timeline
from orders.models import Order
from orders.placing import LineRequest, place_order
from orders.sandbox.models import Charge
from tasks.models import Effect, Job, JobState


def sold(product: Product, *, quantity: int = 2) -> Order:
    """A confirmed order: goods sold, money taken, mail sent, job ended."""
    order = place_order(
        email="ann@shop.example",
        lines=[LineRequest(product.sku, quantity)],
        payment_method="pm_ok",
    )
    reservations.reserve(
        reference=order.reference, wanted=[Wanted(product_id=product.pk, quantity=quantity)]
    )
    assert states.reserved(order.pk)
    assert states.payment_charging(order.pk)
    charge = charged(order)
    assert states.payment_captured(order.pk, provider_reference=str(charge.pk))
    assert states.confirmed(order.pk)
    assert reservations.commit(reference=order.reference)
    timeline.record(order_id=order.pk, kind="confirmed", message="The order is confirmed.")
    Effect.objects.create(
        key=f"{order.reference}:email:confirmation",
        kind="email",
        state=Effect.State.DONE,
        fingerprint="test",
        intended_at=timezone.now(),
    )
    Job.objects.filter(subject=order.reference).update(state=JobState.SUCCEEDED)
    return order


def charged(order: Order, *, key: str = "charge") -> Charge:
    """What the provider's books say of a charge for the order."""
    return Charge.objects.create(
        key=f"{order.reference}:{key}",
        state=Charge.State.SUCCEEDED,
        amount_minor=order.total_minor,
        currency=order.currency,
        payment_method="pm_ok",
    )
