"""About a hundred ways to be wrong: each writes past the services and says what must be found.

A corruption changes one thing by SQL, with the triggers and foreign keys asleep, and answers the
invariants that it breaks, each with its subject. Which row it picks is a matter of chance.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any
from uuid import uuid4

from django.db import connection

from orders.models import Order
from tests.shop.auditor.world import World

Broken = set[tuple[str, str]]
"""(invariant, subject)"""

Corruption = Callable[["Hand"], Broken]

CORRUPTIONS: list[Corruption] = []


def corruption(body: Corruption) -> Corruption:
    CORRUPTIONS.append(body)
    return body


class Hand:
    """Somebody at a database prompt, in a transaction that will be rolled back."""

    def __init__(self, world: World, chance: Random) -> None:
        self.world = world
        self.chance = chance
        self.sql("SET LOCAL session_replication_role = replica")

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, *values: Any) -> Any:
        """One value of one of the rows."""
        return self.row(statement, *values)[0]

    def row(self, statement: str, *values: Any) -> tuple[Any, ...]:
        """One of the rows; there must be one."""
        return self.chance.choice(self.sql(statement, *values))

    def order(self, *among: list[Order]) -> Order:
        return self.chance.choice([order for orders in among for order in orders])

    def some(self) -> int:
        return self.chance.randint(1, 5)

    def effect(self, order: Order, what: str) -> int:
        return int(
            self.one("SELECT id FROM tasks_effect WHERE key = %s", f"{order.reference}:{what}")
        )

    def add_effect(self, key: str, kind: str) -> str:
        """An effect that is done, of a job that exists; its subject."""
        made = self.one(
            """
            INSERT INTO tasks_effect (
              key, kind, state, fingerprint, result, error, tries, job_id, created_at, intended_at,
              settled_at
            )
            SELECT %s, %s, 'done', '', '{"state": "succeeded", "amount_minor": 1}', '', 1, id,
              now(), now(), now()
            FROM tasks_job WHERE state = 'succeeded' ORDER BY id LIMIT 1
            RETURNING id
            """,
            key,
            kind,
        )
        return f"effect:{made}"

    def job(self, order: Order, task: str = "orders.advance_checkout") -> Any:
        return self.one(
            "SELECT id FROM tasks_job WHERE subject = %s AND task = %s", order.reference, task
        )


def broken(subject: str, *invariants: str) -> Broken:
    return {(invariant, subject) for invariant in invariants}


# --- stock ---------------------------------------------------------------------------------------


@corruption
def units_appear(hand: Hand) -> Broken:
    stock = hand.one("SELECT id FROM inventory_stock")
    hand.sql("UPDATE inventory_stock SET on_hand = on_hand + %s WHERE id = %s", hand.some(), stock)
    return broken(f"stock:{stock}", "stock.on_hand")


@corruption
def a_delivery_is_forgotten(hand: Hand) -> Broken:
    movement, stock = hand.row(
        "SELECT id, stock_id FROM inventory_stockmovement WHERE kind IN ('received', 'adjusted')"
    )
    hand.sql("DELETE FROM inventory_stockmovement WHERE id = %s", movement)
    return broken(f"stock:{stock}", "stock.on_hand")


@corruption
def a_delivery_counts_more(hand: Hand) -> Broken:
    movement, stock = hand.row(
        "SELECT id, stock_id FROM inventory_stockmovement WHERE kind = 'received'"
    )
    hand.sql("UPDATE inventory_stockmovement SET quantity = quantity + 1 WHERE id = %s", movement)
    return broken(f"stock:{stock}", "stock.on_hand")


@corruption
def a_sale_is_forgotten(hand: Hand) -> Broken:
    movement, stock, reference = hand.row(
        "SELECT id, stock_id, reference FROM inventory_stockmovement WHERE kind = 'sold'"
    )
    hand.sql("DELETE FROM inventory_stockmovement WHERE id = %s", movement)
    return broken(f"stock:{stock}", "stock.on_hand") | broken(reference, "stock.sold")


@corruption
def a_sale_is_written_twice(hand: Hand) -> Broken:
    movement, stock, reference = hand.row(
        "SELECT id, stock_id, reference FROM inventory_stockmovement WHERE kind = 'sold'"
    )
    hand.sql(
        """
        INSERT INTO inventory_stockmovement
          (stock_id, kind, quantity, reference, note, actor, job_id, created_at)
        SELECT stock_id, kind, quantity, reference, note, actor, job_id, created_at
        FROM inventory_stockmovement WHERE id = %s
        """,
        movement,
    )
    return broken(f"stock:{stock}", "stock.on_hand") | broken(reference, "stock.sold")


@corruption
def a_sale_is_booked_on_another_order(hand: Hand) -> Broken:
    movement, reference = hand.row(
        "SELECT id, reference FROM inventory_stockmovement WHERE kind = 'sold'"
    )
    other = hand.order(hand.world.declined).reference
    hand.sql("UPDATE inventory_stockmovement SET reference = %s WHERE id = %s", other, movement)
    return broken(reference, "stock.sold") | broken(other, "stock.sold")


@corruption
def a_return_is_forgotten(hand: Hand) -> Broken:
    movement, stock, reference = hand.row(
        "SELECT id, stock_id, reference FROM inventory_stockmovement WHERE kind = 'returned'"
    )
    hand.sql("DELETE FROM inventory_stockmovement WHERE id = %s", movement)
    return broken(f"stock:{stock}", "stock.on_hand") | broken(reference, "stock.returned")


@corruption
def a_movement_is_of_no_job(hand: Hand) -> Broken:
    movement = hand.one("SELECT id FROM inventory_stockmovement WHERE job_id IS NOT NULL")
    hand.sql("UPDATE inventory_stockmovement SET job_id = %s WHERE id = %s", uuid4(), movement)
    return broken(f"movement:{movement}", "ledger.movement_jobs")


@corruption
def units_are_reserved_for_nobody(hand: Hand) -> Broken:
    stock = hand.one("SELECT id FROM inventory_stock WHERE reserved < on_hand")
    hand.sql("UPDATE inventory_stock SET reserved = reserved + 1 WHERE id = %s", stock)
    return broken(f"stock:{stock}", "stock.reserved")


@corruption
def more_is_reserved_than_there_is(hand: Hand) -> Broken:
    hand.sql("ALTER TABLE inventory_stock DROP CONSTRAINT stock_never_oversold")
    stock = hand.one("SELECT id FROM inventory_stock")
    hand.sql("UPDATE inventory_stock SET reserved = on_hand + %s WHERE id = %s", hand.some(), stock)
    return broken(f"stock:{stock}", "stock.reserved", "stock.bounds")


@corruption
def less_than_nothing_is_reserved(hand: Hand) -> Broken:
    hand.sql("ALTER TABLE inventory_stock DROP CONSTRAINT stock_never_oversold")
    hand.sql("ALTER TABLE inventory_stock DROP CONSTRAINT inventory_stock_reserved_check")
    stock = hand.one("SELECT id FROM inventory_stock")
    hand.sql("UPDATE inventory_stock SET reserved = -1 WHERE id = %s", stock)
    return broken(f"stock:{stock}", "stock.reserved", "stock.bounds")


@corruption
def a_reservation_is_let_go_and_its_units_are_not(hand: Hand) -> Broken:
    reservation, stock = hand.row(
        "SELECT id, stock_id FROM inventory_reservation WHERE state = 'held'"
    )
    hand.sql("UPDATE inventory_reservation SET state = 'released' WHERE id = %s", reservation)
    return broken(f"stock:{stock}", "stock.reserved")


@corruption
def a_reservation_vanishes(hand: Hand) -> Broken:
    reservation, stock, reference = hand.row(
        "SELECT id, stock_id, reference FROM inventory_reservation WHERE state = 'held'"
    )
    hand.sql("DELETE FROM inventory_reservation WHERE id = %s", reservation)
    return broken(f"stock:{stock}", "stock.reserved") | broken(reference, "orders.goods")


@corruption
def what_was_sold_counts_as_let_go(hand: Hand) -> Broken:
    order = hand.order(hand.world.sold)
    reservation = hand.one(
        "SELECT id FROM inventory_reservation WHERE reference = %s", order.reference
    )
    hand.sql("UPDATE inventory_reservation SET state = 'released' WHERE id = %s", reservation)
    return broken(order.reference, "stock.sold", "orders.goods")


@corruption
def what_was_sold_counts_as_returned(hand: Hand) -> Broken:
    order = hand.order(hand.world.sold)
    hand.sql("UPDATE inventory_reservation SET returned = 1 WHERE reference = %s", order.reference)
    return broken(order.reference, "stock.returned", "orders.goods")


@corruption
def what_came_back_counts_as_kept(hand: Hand) -> Broken:
    order = hand.order(hand.world.cancelled_paid)
    hand.sql("UPDATE inventory_reservation SET returned = 0 WHERE reference = %s", order.reference)
    return broken(order.reference, "stock.returned", "orders.goods")


@corruption
def what_was_asked_for_counts_as_sold(hand: Hand) -> Broken:
    order = hand.order(hand.world.placed)
    hand.sql(
        "UPDATE inventory_reservation SET state = 'committed' WHERE reference = %s",
        order.reference,
    )
    return broken(order.reference, "stock.sold", "orders.goods")


@corruption
def more_is_asked_for_than_was_ordered(hand: Hand) -> Broken:
    order = hand.order(hand.world.placed)
    hand.sql(
        "UPDATE inventory_reservation SET quantity = quantity + 1 WHERE reference = %s",
        order.reference,
    )
    return broken(order.reference, "orders.goods")


@corruption
def an_order_that_failed_holds_goods(hand: Hand) -> Broken:
    order = hand.order(hand.world.declined, hand.world.cancelled_early)
    for stock, units in hand.sql(
        """
        UPDATE inventory_reservation SET state = 'held', expires_at = now() + interval '1 hour'
        WHERE reference = %s RETURNING stock_id, quantity
        """,
        order.reference,
    ):
        hand.sql("UPDATE inventory_stock SET reserved = reserved + %s WHERE id = %s", units, stock)
    return broken(order.reference, "orders.goods")


@corruption
def goods_are_asked_for_by_no_order(hand: Hand) -> Broken:
    hand.sql(
        """
        INSERT INTO inventory_reservation
          (reference, stock_id, quantity, returned, state, expires_at, created_at)
        SELECT 'order:99999999', min(id), 1, 0, 'asked', now(), now() FROM inventory_stock
        """
    )
    return broken("order:99999999", "orders.goods")


# --- orders --------------------------------------------------------------------------------------


@corruption
def a_total_is_wrong(hand: Hand) -> Broken:
    order = hand.one("SELECT id FROM orders_order")
    hand.sql("UPDATE orders_order SET total_minor = total_minor + 1 WHERE id = %s", order)
    return broken(f"order:{order}", "orders.total", "orders.amount")


@corruption
def a_price_is_wrong(hand: Hand) -> Broken:
    line, order = hand.row("SELECT id, order_id FROM orders_orderline")
    hand.sql("UPDATE orders_orderline SET unit_price_minor = 1 WHERE id = %s", line)
    return broken(f"order:{order}", "orders.total")


@corruption
def a_quantity_is_wrong(hand: Hand) -> Broken:
    line, order = hand.row("SELECT id, order_id FROM orders_orderline")
    hand.sql("UPDATE orders_orderline SET quantity = quantity + 1 WHERE id = %s", line)
    return broken(f"order:{order}", "orders.total", "orders.goods")


@corruption
def a_line_vanishes(hand: Hand) -> Broken:
    line, order = hand.row("SELECT id, order_id FROM orders_orderline")
    hand.sql("DELETE FROM orders_orderline WHERE id = %s", line)
    return broken(f"order:{order}", "orders.total", "orders.goods")


@corruption
def an_amount_to_be_paid_is_wrong(hand: Hand) -> Broken:
    order = hand.order(hand.world.placed, hand.world.charging, hand.world.declined)
    hand.sql(
        "UPDATE orders_payment SET amount_minor = amount_minor + 1 WHERE order_id = %s", order.pk
    )
    return broken(order.reference, "orders.amount")


@corruption
def an_amount_that_was_paid_is_wrong(hand: Hand) -> Broken:
    order = hand.order(hand.world.confirmed)
    hand.sql("UPDATE orders_payment SET amount_minor = 1 WHERE order_id = %s", order.pk)
    return broken(order.reference, "orders.amount", "money.charges", "provider.charges")


@corruption
def a_currency_is_wrong(hand: Hand) -> Broken:
    order = hand.order(hand.world.paid)
    hand.sql("UPDATE orders_payment SET currency = 'EUR' WHERE order_id = %s", order.pk)
    return broken(order.reference, "orders.amount", "money.charges", "provider.charges")


@corruption
def a_payment_vanishes(hand: Hand) -> Broken:
    order = hand.order(hand.world.confirmed)
    hand.sql("DELETE FROM orders_payment WHERE order_id = %s", order.pk)
    charge = f"charge:{hand.one(*charge_of(order))}"
    return (
        broken(order.reference, "orders.amount")
        | broken(f"effect:{hand.effect(order, 'charge')}", "money.charges")
        | broken(charge, "provider.charges")
    )


def charge_of(order: Order) -> tuple[str, str]:
    return "SELECT reference FROM sandbox_charge WHERE key = %s", f"{order.reference}:charge"


def moved(hand: Hand, order: Order, state: str) -> None:
    hand.sql("UPDATE orders_order SET state = %s WHERE id = %s", state, order.pk)


def paid(hand: Hand, order: Order, state: str) -> None:
    hand.sql("UPDATE orders_payment SET state = %s WHERE order_id = %s", state, order.pk)


@corruption
def a_confirmed_order_counts_as_failed(hand: Hand) -> Broken:
    moved(hand, order := hand.order(hand.world.confirmed), "failed")
    return broken(order.reference, "orders.goods", "orders.timeline", "orders.worked_on")


@corruption
def a_confirmed_order_counts_as_cancelled(hand: Hand) -> Broken:
    moved(hand, order := hand.order(hand.world.confirmed), "cancelled")
    return broken(order.reference, "orders.goods", "orders.timeline", "orders.worked_on")


@corruption
def a_confirmed_order_counts_as_placed(hand: Hand) -> Broken:
    moved(hand, order := hand.order(hand.world.confirmed), "placed")
    return broken(
        order.reference, "orders.payment", "orders.goods", "orders.timeline", "orders.worked_on"
    )


@corruption
def a_confirmed_order_counts_as_refunded(hand: Hand) -> Broken:
    moved(hand, order := hand.order(hand.world.confirmed), "refunded")
    return broken(order.reference, "orders.payment", "orders.worked_on")


@corruption
def a_declined_order_counts_as_confirmed(hand: Hand) -> Broken:
    moved(hand, order := hand.order(hand.world.declined), "confirmed")
    return broken(order.reference, "orders.payment", "orders.goods", "orders.timeline")


@corruption
def a_placed_order_counts_as_reserved(hand: Hand) -> Broken:
    """Nothing but the timeline can tell: its job is alive and its payment pending in both."""
    moved(hand, order := hand.order(hand.world.placed), "reserved")
    return broken(order.reference, "orders.timeline")


@corruption
def a_refunded_order_counts_as_confirmed(hand: Hand) -> Broken:
    moved(hand, order := hand.order(hand.world.refunded), "confirmed")
    return broken(order.reference, "orders.payment")


@corruption
def an_order_is_in_no_known_state(hand: Hand) -> Broken:
    moved(hand, order := hand.order(hand.world.confirmed), "limbo")
    return broken(order.reference, "orders.payment")


@corruption
def a_payment_counts_as_refunded(hand: Hand) -> Broken:
    paid(hand, order := hand.order(hand.world.confirmed), "refunded")
    return broken(
        order.reference, "orders.payment", "orders.timeline", "money.refunds", "provider.refunds"
    )


@corruption
def a_payment_counts_as_pending(hand: Hand) -> Broken:
    paid(hand, order := hand.order(hand.world.confirmed), "pending")
    return broken(
        order.reference, "orders.payment", "orders.timeline", "money.charges", "provider.charges"
    )


@corruption
def a_payment_counts_as_under_way(hand: Hand) -> Broken:
    paid(hand, order := hand.order(hand.world.confirmed), "charging")
    return broken(order.reference, "orders.payment", "orders.timeline", "money.charges")


@corruption
def a_refused_payment_counts_as_captured(hand: Hand) -> Broken:
    paid(hand, order := hand.order(hand.world.declined), "captured")
    return broken(
        order.reference, "orders.timeline", "orders.worked_on", "money.charges", "provider.charges"
    )


@corruption
def a_refunded_payment_counts_as_captured(hand: Hand) -> Broken:
    paid(hand, order := hand.order(hand.world.cancelled_paid), "captured")
    return broken(
        order.reference, "orders.timeline", "orders.worked_on", "money.refunds", "provider.refunds"
    )


@corruption
def a_payment_is_in_no_known_state(hand: Hand) -> Broken:
    paid(hand, order := hand.order(hand.world.cancelled_early), "limbo")
    return broken(order.reference, "orders.payment")


@corruption
def an_event_vanishes(hand: Hand) -> Broken:
    order = hand.order(hand.world.confirmed)
    kind = hand.chance.choice(["placed", "reserved", "charged"])
    hand.sql("DELETE FROM orders_orderevent WHERE order_id = %s AND kind = %s", order.pk, kind)
    return broken(order.reference, "orders.timeline")


@corruption
def an_event_is_told_twice(hand: Hand) -> Broken:
    order = hand.order(hand.world.confirmed, hand.world.declined, hand.world.cancelled_paid)
    hand.sql(
        """
        INSERT INTO orders_orderevent (order_id, kind, message, job_id, actor, created_at)
        SELECT order_id, kind, message, job_id, actor, created_at FROM orders_orderevent
        WHERE order_id = %s AND kind IN ('placed', 'reserved') LIMIT 1
        """,
        order.pk,
    )
    return broken(order.reference, "orders.timeline")


@corruption
def a_refund_was_asked_for_and_forgotten(hand: Hand) -> Broken:
    order = hand.order(hand.world.confirmed)
    hand.sql(
        """
        INSERT INTO orders_orderevent (order_id, kind, message, actor, created_at)
        VALUES (%s, 'refund_asked', '', '', now())
        """,
        order.pk,
    )
    return broken(order.reference, "orders.worked_on")


@corruption
def an_event_is_of_no_job(hand: Hand) -> Broken:
    event, order = hand.row("SELECT id, order_id FROM orders_orderevent WHERE job_id IS NOT NULL")
    hand.sql("UPDATE orders_orderevent SET job_id = %s WHERE id = %s", uuid4(), event)
    return broken(f"order:{order}", "ledger.event_jobs")


@corruption
def an_order_has_no_job(hand: Hand) -> Broken:
    order = hand.order(hand.world.placed)
    hand.sql("DELETE FROM tasks_job WHERE subject = %s", order.reference)
    return broken(order.reference, "orders.enqueued", "orders.worked_on")


@corruption
def an_orders_job_is_dead(hand: Hand) -> Broken:
    order = hand.order(hand.world.placed, hand.world.charging)
    hand.sql(
        "UPDATE tasks_job SET state = 'dead', finished_at = now() WHERE subject = %s",
        order.reference,
    )
    found = broken(order.reference, "orders.worked_on")
    if order in hand.world.charging:
        found |= broken(f"effect:{hand.effect(order, 'charge')}", "effects.settled")
    return found


@corruption
def a_job_that_did_its_work_vanishes(hand: Hand) -> Broken:
    order = hand.order(hand.world.refunded)
    job = hand.job(order)
    movements = hand.sql("SELECT id FROM inventory_stockmovement WHERE job_id = %s", job)
    effects = hand.sql("SELECT id FROM tasks_effect WHERE job_id = %s", job)
    children = hand.sql("SELECT id FROM tasks_job WHERE parent_id = %s", job)
    hand.sql("DELETE FROM tasks_job WHERE id = %s", job)
    return {
        *broken(order.reference, "orders.enqueued", "ledger.event_jobs"),
        *broken(f"job:{job}", "ledger.orphans"),
        *(("ledger.movement_jobs", f"movement:{movement}") for (movement,) in movements),
        *(("ledger.effect_jobs", f"effect:{effect}") for (effect,) in effects),
        *(("ledger.parents", f"job:{child}") for (child,) in children),
    }


# --- money ---------------------------------------------------------------------------------------


@corruption
def a_charge_is_forgotten(hand: Hand) -> Broken:
    order = hand.order(hand.world.paid)
    hand.sql("DELETE FROM tasks_effect WHERE id = %s", hand.effect(order, "charge"))
    return broken(order.reference, "money.charges")


@corruption
def a_charge_is_of_another_amount(hand: Hand) -> Broken:
    order = hand.order(hand.world.paid)
    hand.sql(
        """UPDATE tasks_effect SET result = result || '{"amount_minor": 1}' WHERE id = %s""",
        hand.effect(order, "charge"),
    )
    return broken(order.reference, "money.charges")


@corruption
def a_charge_is_of_another_name(hand: Hand) -> Broken:
    order = hand.order(hand.world.paid)
    hand.sql(
        """UPDATE tasks_effect SET result = result || '{"reference": "ch_x"}' WHERE id = %s""",
        hand.effect(order, "charge"),
    )
    return broken(order.reference, "money.charges")


@corruption
def a_charge_counts_as_failed(hand: Hand) -> Broken:
    order = hand.order(hand.world.paid)
    hand.sql("UPDATE tasks_effect SET state = 'failed' WHERE id = %s", hand.effect(order, "charge"))
    return broken(order.reference, "money.charges")


@corruption
def a_charge_counts_as_declined(hand: Hand) -> Broken:
    order = hand.order(hand.world.paid)
    hand.sql(
        """UPDATE tasks_effect SET result = result || '{"state": "declined"}' WHERE id = %s""",
        hand.effect(order, "charge"),
    )
    return broken(order.reference, "money.charges")


@corruption
def a_declined_charge_counts_as_made(hand: Hand) -> Broken:
    order = hand.order(hand.world.declined)
    hand.sql(
        """UPDATE tasks_effect SET result = result || '{"state": "succeeded"}' WHERE id = %s""",
        hand.effect(order, "charge"),
    )
    return broken(order.reference, "money.charges")


@corruption
def a_charge_is_open_again(hand: Hand) -> Broken:
    order = hand.order(hand.world.paid)
    effect = hand.effect(order, "charge")
    hand.sql("UPDATE tasks_effect SET state = 'intended' WHERE id = %s", effect)
    return broken(order.reference, "money.charges") | broken(f"effect:{effect}", "effects.settled")


@corruption
def an_order_is_charged_again(hand: Hand) -> Broken:
    order = hand.order(hand.world.paid)
    return broken(hand.add_effect(f"{order.reference}:charge:again", "charge"), "money.charges")


@corruption
def nobodys_card_is_charged(hand: Hand) -> Broken:
    return broken(hand.add_effect("order:99999999:charge", "charge"), "money.charges")


@corruption
def one_charge_pays_two_orders(hand: Hand) -> Broken:
    order, other = hand.chance.sample(hand.world.confirmed, 2)
    hand.sql(
        """
        UPDATE orders_payment SET provider_reference = (
          SELECT provider_reference FROM orders_payment WHERE order_id = %s
        ) WHERE order_id = %s
        """,
        other.pk,
        order.pk,
    )
    return broken(
        order.reference, "money.references", "money.charges", "provider.charges"
    ) | broken(other.reference, "money.references")


@corruption
def a_refund_is_forgotten(hand: Hand) -> Broken:
    order = hand.order(hand.world.refunded, hand.world.cancelled_paid)
    hand.sql("DELETE FROM tasks_effect WHERE id = %s", hand.effect(order, "refund"))
    return broken(order.reference, "money.refunds")


@corruption
def a_refund_is_of_another_amount(hand: Hand) -> Broken:
    order = hand.order(hand.world.refunded, hand.world.cancelled_paid)
    hand.sql(
        """UPDATE tasks_effect SET result = result || '{"amount_minor": 1}' WHERE id = %s""",
        hand.effect(order, "refund"),
    )
    return broken(order.reference, "money.refunds")


@corruption
def a_refund_is_open_again(hand: Hand) -> Broken:
    order = hand.order(hand.world.refunded, hand.world.cancelled_paid)
    effect = hand.effect(order, "refund")
    hand.sql("UPDATE tasks_effect SET state = 'intended' WHERE id = %s", effect)
    return broken(order.reference, "money.refunds") | broken(f"effect:{effect}", "effects.settled")


@corruption
def a_refund_that_nobody_asked_for(hand: Hand) -> Broken:
    order = hand.order(hand.world.confirmed)
    hand.add_effect(f"{order.reference}:refund", "refund")
    return broken(order.reference, "money.refunds")


@corruption
def a_second_refund(hand: Hand) -> Broken:
    order = hand.order(hand.world.refunded)
    return broken(hand.add_effect(f"{order.reference}:refund:again", "refund"), "money.refunds")


# --- mails and other effects ---------------------------------------------------------------------


@corruption
def a_mail_was_never_sent(hand: Hand) -> Broken:
    order = hand.order(hand.world.confirmed[1:])  # the first was written to again
    hand.sql("DELETE FROM tasks_effect WHERE id = %s", hand.effect(order, "email:confirmation"))
    return broken(order.reference, "mails.sent")


@corruption
def a_mail_of_an_ending_was_never_sent(hand: Hand) -> Broken:
    order = hand.order(hand.world.cancelled_paid)
    kind = hand.chance.choice(["confirmation", "cancellation", "refund"])
    hand.sql("DELETE FROM tasks_effect WHERE id = %s", hand.effect(order, f"email:{kind}"))
    return broken(order.reference, "mails.sent")


@corruption
def a_mail_failed_for_good(hand: Hand) -> Broken:
    order = hand.order(hand.world.refunded)
    hand.sql(
        "UPDATE tasks_effect SET state = 'failed' WHERE id = %s",
        hand.effect(order, "email:confirmation"),
    )
    hand.sql(
        """
        UPDATE tasks_job SET state = 'dead' WHERE subject = %s AND task = 'orders.send_email'
          AND kwargs ->> 'kind' = 'confirmation'
        """,
        order.reference,
    )
    job = hand.one(
        "SELECT id FROM tasks_job WHERE subject = %s AND state = 'dead'", order.reference
    )
    return broken(order.reference, "mails.sent") | broken(f"job:{job}", "ledger.succeeded")


@corruption
def nobody_knows_whether_a_mail_left(hand: Hand) -> Broken:
    order = hand.order(hand.world.refunded, hand.world.cancelled_early)
    effect = hand.one(
        "SELECT id FROM tasks_effect WHERE kind = 'email' AND key LIKE %s", f"{order.reference}:%"
    )
    hand.sql("UPDATE tasks_effect SET state = 'intended' WHERE id = %s", effect)
    return broken(f"effect:{effect}", "effects.settled")


@corruption
def a_mail_that_is_not_true(hand: Hand) -> Broken:
    order = hand.order(hand.world.confirmed, hand.world.declined, hand.world.placed)
    kind = hand.chance.choice(["cancellation", "refund"])
    return broken(hand.add_effect(f"{order.reference}:email:{kind}", "email"), "mails.deserved")


@corruption
def a_mail_of_no_known_kind(hand: Hand) -> Broken:
    order = hand.order(hand.world.confirmed)
    return broken(hand.add_effect(f"{order.reference}:email:greetings", "email"), "mails.deserved")


@corruption
def a_second_confirmation(hand: Hand) -> Broken:
    order = hand.order(hand.world.confirmed)
    key = f"{order.reference}:email:confirmation:{uuid4()}"
    return broken(hand.add_effect(key, "email"), "mails.deserved")


@corruption
def a_mail_about_no_order(hand: Hand) -> Broken:
    key = hand.chance.choice(["order:99999999:email:refund", "order:x:email:refund", "order:"])
    return broken(hand.add_effect(key, "email"), "mails.deserved")


@corruption
def a_confirmation_is_not_told(hand: Hand) -> Broken:
    order = hand.order(hand.world.confirmed[1:])
    hand.sql("DELETE FROM orders_orderevent WHERE order_id = %s AND kind = 'confirmed'", order.pk)
    mail = f"effect:{hand.effect(order, 'email:confirmation')}"
    return broken(order.reference, "orders.timeline") | broken(mail, "mails.deserved")


@corruption
def an_effect_has_no_result(hand: Hand) -> Broken:
    effect = hand.one("SELECT id FROM tasks_effect WHERE kind = 'email'")
    hand.sql("UPDATE tasks_effect SET result = NULL WHERE id = %s", effect)
    return broken(f"effect:{effect}", "effects.recorded")


@corruption
def an_effect_was_never_settled(hand: Hand) -> Broken:
    effect = hand.one("SELECT id FROM tasks_effect WHERE state = 'done'")
    hand.sql("UPDATE tasks_effect SET settled_at = NULL WHERE id = %s", effect)
    return broken(f"effect:{effect}", "effects.recorded")


@corruption
def an_effect_is_in_no_known_state(hand: Hand) -> Broken:
    order = hand.order(hand.world.cancelled_early)
    effect = hand.effect(order, "email:cancellation")
    hand.sql("UPDATE tasks_effect SET state = 'limbo' WHERE id = %s", effect)
    return broken(f"effect:{effect}", "effects.recorded") | broken(order.reference, "mails.sent")


@corruption
def an_effect_is_of_no_job(hand: Hand) -> Broken:
    effect = hand.one(
        "SELECT id FROM tasks_effect WHERE state = 'done' AND key ~ ':[a-z]+$'"
    )  # not of a mail that was sent again: its key names the job
    hand.sql("UPDATE tasks_effect SET job_id = %s WHERE id = %s", uuid4(), effect)
    return broken(f"effect:{effect}", "ledger.effect_jobs")


# --- the ledger ----------------------------------------------------------------------------------

SUCCEEDED = "SELECT id FROM tasks_job WHERE state = 'succeeded'"


@corruption
def a_job_is_in_no_known_state(hand: Hand) -> Broken:
    job = hand.one("SELECT id FROM tasks_job WHERE state IN ('cancelled', 'expired')")
    hand.sql("UPDATE tasks_job SET state = 'limbo' WHERE id = %s", job)
    return broken(f"job:{job}", "ledger.states")


@corruption
def a_job_ended_at_no_time(hand: Hand) -> Broken:
    job = hand.one("SELECT id FROM tasks_job WHERE finished_at IS NOT NULL")
    hand.sql("UPDATE tasks_job SET finished_at = NULL WHERE id = %s", job)
    return broken(f"job:{job}", "ledger.ends")


@corruption
def a_live_job_ended(hand: Hand) -> Broken:
    job = hand.one("SELECT id FROM tasks_job WHERE finished_at IS NULL")
    hand.sql("UPDATE tasks_job SET finished_at = now() WHERE id = %s", job)
    return broken(f"job:{job}", "ledger.ends")


@corruption
def a_job_that_never_ran_succeeded(hand: Hand) -> Broken:
    order = hand.order(hand.world.placed)
    job = hand.job(order)
    hand.sql("UPDATE tasks_job SET state = 'succeeded', finished_at = now() WHERE id = %s", job)
    return broken(f"job:{job}", "ledger.succeeded") | broken(order.reference, "orders.worked_on")


@corruption
def a_job_runs_without_a_lease(hand: Hand) -> Broken:
    job = hand.job(hand.world.running)
    change = hand.chance.choice(["lease_until = NULL", "worker = ''", "started_at = NULL"])
    hand.sql(f"UPDATE tasks_job SET {change} WHERE id = %s", job)
    return broken(f"job:{job}", "ledger.leases")


@corruption
def nobody_rescues_a_job(hand: Hand) -> Broken:
    job = hand.job(hand.world.running)
    hand.sql("UPDATE tasks_job SET lease_until = now() - interval '1 hour' WHERE id = %s", job)
    return broken(f"job:{job}", "ledger.rescued")


@corruption
def an_attempt_that_succeeded_vanishes(hand: Hand) -> Broken:
    job = hand.one(SUCCEEDED)
    hand.sql("DELETE FROM tasks_attempt WHERE job_id = %s AND outcome = 'succeeded'", job)
    return broken(f"job:{job}", "ledger.succeeded")


@corruption
def an_attempt_that_succeeded_counts_as_crashed(hand: Hand) -> Broken:
    job = hand.one(SUCCEEDED)
    hand.sql(
        "UPDATE tasks_attempt SET outcome = 'crashed' WHERE job_id = %s AND outcome = 'succeeded'",
        job,
    )
    return broken(f"job:{job}", "ledger.succeeded")


@corruption
def a_job_succeeded_twice(hand: Hand) -> Broken:
    job = hand.one(SUCCEEDED)
    hand.sql(
        """
        INSERT INTO tasks_attempt
          (job_id, number, outcome, worker, started_at, finished_at, error, traceback)
        SELECT id, attempt + 1, 'succeeded', worker, now(), now(), '', ''
        FROM tasks_job WHERE id = %s
        """,
        job,
    )
    return broken(f"job:{job}", "ledger.succeeded", "ledger.attempts")


@corruption
def a_counter_of_attempts_falls(hand: Hand) -> Broken:
    job = hand.one(SUCCEEDED)
    hand.sql("UPDATE tasks_job SET attempt = attempt - 1 WHERE id = %s", job)
    return broken(f"job:{job}", "ledger.succeeded", "ledger.attempts")


@corruption
def a_counter_of_attempts_rises(hand: Hand) -> Broken:
    job = hand.one(SUCCEEDED)
    hand.sql("UPDATE tasks_job SET attempt = attempt + 1 WHERE id = %s", job)
    return broken(f"job:{job}", "ledger.succeeded")


@corruption
def a_failure_is_counted_that_never_was(hand: Hand) -> Broken:
    job = hand.one("SELECT id FROM tasks_job")
    hand.sql("UPDATE tasks_job SET failures = failures + 9 WHERE id = %s", job)
    return broken(f"job:{job}", "ledger.attempts")


@corruption
def a_running_attempt_has_ended(hand: Hand) -> Broken:
    job = hand.job(hand.world.running)
    hand.sql(
        """
        INSERT INTO tasks_attempt
          (job_id, number, outcome, worker, started_at, finished_at, error, traceback)
        SELECT id, attempt, 'crashed', worker, now(), now(), '', '' FROM tasks_job WHERE id = %s
        """,
        job,
    )
    return broken(f"job:{job}", "ledger.attempts")


@corruption
def an_attempt_is_of_no_job(hand: Hand) -> Broken:
    job = uuid4()
    hand.sql(
        """
        INSERT INTO tasks_attempt
          (job_id, number, outcome, worker, started_at, finished_at, error, traceback)
        VALUES (%s, 1, 'crashed', '', now(), now(), '', '')
        """,
        job,
    )
    return broken(f"job:{job}", "ledger.orphans")


@corruption
def a_job_was_enqueued_by_none(hand: Hand) -> Broken:
    job = hand.one("SELECT id FROM tasks_job")
    hand.sql("UPDATE tasks_job SET parent_id = %s WHERE id = %s", uuid4(), job)
    return broken(f"job:{job}", "ledger.parents")


# --- the provider's books ------------------------------------------------------------------------


@corruption
def the_provider_took_nothing(hand: Hand) -> Broken:
    order = hand.order(hand.world.confirmed)
    hand.sql("DELETE FROM sandbox_charge WHERE key = %s", f"{order.reference}:charge")
    return broken(order.reference, "provider.charges")


@corruption
def the_provider_took_more(hand: Hand) -> Broken:
    order = hand.order(hand.world.confirmed)
    hand.sql(
        "UPDATE sandbox_charge SET amount_minor = amount_minor + 1 WHERE key = %s",
        f"{order.reference}:charge",
    )
    return broken(order.reference, "provider.charges")


@corruption
def the_provider_took_it_twice(hand: Hand) -> Broken:
    order = hand.order(hand.world.paid)
    hand.sql(
        """
        INSERT INTO sandbox_charge (
          reference, key, state, amount_minor, refunded_minor, currency, payment_method,
          description, message, created_at
        )
        SELECT 'ch_again', key || ':again', state, amount_minor, 0, currency, payment_method,
          description, message, created_at
        FROM sandbox_charge WHERE key = %s
        """,
        f"{order.reference}:charge",
    )
    return broken("charge:ch_again", "provider.charges")


@corruption
def the_provider_took_what_was_declined(hand: Hand) -> Broken:
    order = hand.order(hand.world.declined)
    hand.sql(
        "UPDATE sandbox_charge SET state = 'succeeded' WHERE key = %s",
        f"{order.reference}:charge",
    )
    return broken(order.reference, "provider.charges")


@corruption
def the_provider_gave_nothing_back(hand: Hand) -> Broken:
    order = hand.order(hand.world.refunded)
    hand.sql("DELETE FROM sandbox_refund WHERE key = %s", f"{order.reference}:refund")
    charge = f"charge:{hand.one(*charge_of(order))}"
    return broken(order.reference, "provider.refunds") | broken(charge, "provider.given_back")


@corruption
def the_provider_counts_wrong(hand: Hand) -> Broken:
    order = hand.order(hand.world.paid)
    charge = f"charge:{hand.one(*charge_of(order))}"
    hand.sql(
        "UPDATE sandbox_charge SET refunded_minor = (refunded_minor + 1) %% amount_minor "
        "WHERE key = %s",
        f"{order.reference}:charge",
    )
    return broken(charge, "provider.given_back")
