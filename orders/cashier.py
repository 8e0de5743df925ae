"""The only place that moves money. Every call to the provider is an effect, so it happens once.

A key names one call for ever: `order:42:charge`, `order:42:refund`. The provider gets the same key
as its idempotency key, so even two workers that ask at once for one order make one charge.

What an answer means, and what becomes of the effect:

    succeeded, declined    the effect is done; asking again returns the saved answer
    pending                the provider needs time: not done, and the job snoozes until it is
    surely not made        `GatewayNotDone`, as for a wrong token: the effect failed
    no answer              `GatewayUnavailable`: unknown; the next attempt looks it up by the key
    won't say or do it     `GatewayRefused`, as for a wrong API key: unknown; the job is dead, and
                           a person puts it right and retries the job

Not one of these functions may run inside a transaction.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from orders.errors import WrongGateway
from orders.models import Order, Payment
from orders.payments.gateway import Charge, Gateway, Refund, configured_gateway
from tasks import effects
from tasks.errors import NotDone
from tasks.models import Effect
from tasks.outcomes import Snooze

# Longest pause before a pending payment is looked at again. Cards settle in seconds, bank debits in
# hours; a look a minute is what providers ask pollers to stay under.
LONGEST_PAUSE_S = 60.0
SHORTEST_PAUSE_S = 1.0

ASSUMED = "dry-run"
"""The provider's reference in the answer that a dry run takes for granted."""

# Between a job's hard time limit and the last moment a request it sent can reach the provider.
IN_FLIGHT_S = 60.0


def charge(order: Order) -> Charge:
    """Take the order's total, or return what happened when it was taken: succeeded or declined.

    Call it only after `states.payment_charging` allowed it. Raises `Snooze` while the provider
    needs time, and the gateway's errors.
    """
    gateway = _gateway_of(order.payment)
    key = f"{order.reference}:charge"

    def call() -> dict[str, object]:
        return _settled(
            key,
            gateway.charge(
                key=key,
                amount_minor=order.payment.amount_minor,
                currency=order.payment.currency,
                payment_method=order.payment_method,
                description=f"Order {order.pk}",
            ),
        )

    def look_up() -> dict[str, object] | None:
        return _found(key, gateway.find_charge(key=key))

    def rehearse(_: bool) -> dict[str, object]:
        paid = order.payment
        return asdict(Charge(ASSUMED, "succeeded", paid.amount_minor, paid.currency))

    return Charge(
        **effects.perform(
            key=key,
            kind="charge",
            params=_charge_params(order),
            call=call,
            look_up=look_up,
            rehearse=rehearse,
        )
    )


def find_out(order: Order) -> Charge | None:
    """What became of a charge that somebody began; charges nothing. None: surely nothing.

    A request may still be on its way while the attempt that sent it lives, so the provider's "no"
    counts only `settle_age` after it was last allowed. Until then raises `Snooze`.
    """
    gateway = _gateway_of(order.payment)
    key = f"{order.reference}:charge"

    def call() -> dict[str, object]:
        asked_at = order.payment.asked_at
        if asked_at is not None and asked_at > timezone.now() - settle_age():
            raise Snooze(_pause_s(key), "the charge may still be on its way to the provider")
        raise NotDone("the order ended before it was charged")

    def look_up() -> dict[str, object] | None:
        return _found(key, gateway.find_charge(key=key))

    def rehearse(unknown: bool) -> dict[str, object] | None:
        return None if unknown else call()  # which asks nobody

    try:
        return Charge(
            **effects.perform(
                key=key,
                kind="charge",
                params=_charge_params(order),
                call=call,
                look_up=look_up,
                rehearse=rehearse,
            )
        )
    except NotDone:
        return None


def refund(order: Order) -> Refund:
    """Give back what was captured for the order, all of it, once.

    Raises `Snooze` while the provider needs time, and the gateway's errors.
    """
    payment = order.payment
    gateway = _gateway_of(payment)
    key = f"{order.reference}:refund"

    def call() -> dict[str, object]:
        return _settled(
            key,
            gateway.refund(
                key=key,
                charge_reference=payment.provider_reference,
                amount_minor=payment.amount_minor,
            ),
        )

    def look_up() -> dict[str, object] | None:
        return _found(key, gateway.find_refund(key=key))

    return Refund(
        **effects.perform(
            key=key,
            kind="refund",
            params={"charge": payment.provider_reference, "amount_minor": payment.amount_minor},
            call=call,
            look_up=look_up,
            rehearse=lambda _: asdict(Refund(ASSUMED, "succeeded", payment.amount_minor)),
        )
    )


def settle_age() -> timedelta:
    """How long after it was allowed a charge may still reach the provider.

    A worker kills a job at its hard time limit, so no older attempt can be alive.
    """
    return timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + IN_FLIGHT_S)


def _gateway_of(payment: Payment) -> Gateway:
    """The gateway that knows this payment. Another one would answer "never heard of it"."""
    gateway = configured_gateway()
    if gateway.name != payment.provider:
        raise WrongGateway(
            f"The payment of order {payment.order_id} belongs to {payment.provider!r}, but "
            f"PAYMENT_GATEWAY is {gateway.name!r}. Set it back until such orders are settled."
        )
    return gateway


def _charge_params(order: Order) -> dict[str, object]:
    return {
        "amount_minor": order.payment.amount_minor,
        "currency": order.payment.currency,
        "payment_method": order.payment_method,
    }


def _settled(key: str, answer: Charge | Refund) -> dict[str, object]:
    if answer.state == "pending":
        raise Snooze(_pause_s(key), f"the provider still works on {answer.reference}")
    return asdict(answer)


def _found(key: str, answer: Charge | Refund | None) -> dict[str, object] | None:
    return None if answer is None else _settled(key, answer)


def _pause_s(key: str) -> float:
    """Look again after as long as it took already: 1, 2, 4, … seconds."""
    begun = Effect.objects.filter(key=key).values_list("created_at", flat=True).first()
    age_s = (timezone.now() - begun).total_seconds() if begun else 0.0
    return min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, age_s))
