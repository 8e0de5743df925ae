"""The closing of a set of orders: all tallies and checks, in the order people ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.db.models import QuerySet

from orders.mails import Kind
from orders.models import Order
from shop.closing import jobs, mails, money, stock
from shop.closing import orders as order_checks
from shop.closing.checks import Check, Closing
from shop.closing.watching import jobs_of
from shop.moment import one_moment


def closing_of(
    orders: QuerySet[Order],
    *,
    title: str,
    maildir: Path | None = None,
    also: Sequence[Check] = (),
) -> Closing:
    """Ask every record about these orders. `also` are checks of the caller's own, shown first.

    Call it when the orders have come to their end; what still moves doesn't add up. The stock is
    the whole shop's. With `maildir` the mails in the sink are counted too. All of it is of one
    moment, so a shop that goes on selling meanwhile does no harm. Must not be in a transaction.
    """
    with one_moment():
        return _closing(orders, title, maildir, also)


def _closing(
    orders: QuerySet[Order], title: str, maildir: Path | None, also: Sequence[Check]
) -> Closing:
    its_jobs = jobs_of(orders)
    sink = mails.read_sink(maildir) if maildir else None
    return Closing(
        title=title,
        tallies=(order_checks.by_state(orders), jobs.by_state(its_jobs)),
        checks=(
            *also,
            order_checks.at_their_end(orders),
            jobs.at_their_end(its_jobs),
            jobs.none_dead(its_jobs),
            stock.moved(),
            stock.held(),
            stock.never_negative(),
            stock.sold(orders),
            *money.checks(orders),
            *(mails.sent(orders, kind) for kind in Kind),
            *(mails.arrived(orders, kind, sink) for kind in Kind if sink is not None),
        ),
    )
