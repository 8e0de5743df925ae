"""The command as people use it: with a real dispatcher, worker, provider and mail server."""

from __future__ import annotations

import signal
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from inventory.models import Product, Stock, StockMovement
from orders.models import Order
from tests.running import Runner, manage
from tests.shop.goods import product
from tests.shop.replay.csv_text import HEADING, csv_line

pytestmark = pytest.mark.django_db(transaction=True)

FILE = HEADING + "".join(
    [
        csv_line(invoice="1", code="10001", quantity=6),
        csv_line(invoice="1", code="10001", quantity=2),
        csv_line(invoice="1", code="POST", price="18"),
        csv_line(invoice="2", code="10002", quantity=3, at="01/12/2010 09:00"),
        csv_line(invoice="3", code="10003", quantity=10, at="01/12/2010 10:00"),
        csv_line(invoice="4", code="10003", quantity=20_000, at="01/12/2010 10:30", customer=""),
        csv_line(invoice="C5", code="10002", quantity=-3, at="01/12/2010 11:00"),
        csv_line(invoice="C6", code="10009", quantity=-1, at="01/12/2010 11:00"),
    ]
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(FILE)
    return path


def replay(file: Path, **options: object) -> str:
    output = StringIO()
    call_command("replay_orders", file, stdout=output, **{"scarce": 0, **options})
    return output.getvalue()


def stocked() -> dict[str, int]:
    return dict(Stock.objects.values_list("product__sku", "on_hand"))


@pytest.mark.usefixtures("workers")
def test_given_a_file_when_replayed_twice_then_the_second_time_changes_nothing(file: Path) -> None:
    first = replay(file)
    assert "3 orders placed" in first
    assert "1 orders refused by the shop" in first
    assert "Order a whole number from 1 to 10,000." in first
    assert "POST is postage, not goods" in first
    assert "takes goods back that no earlier order of the customer in this file has" in first
    assert "confirmation mails in the sink" in first
    assert "✓ Everything adds up: 0 lost, 0 doubled, 0 oversold." in first
    assert "\x1b" not in first
    states = dict(Order.objects.values_list("source", "state"))
    assert states == {
        "replay:1": Order.State.CONFIRMED,
        "replay:2": Order.State.CANCELLED,
        "replay:3": Order.State.CONFIRMED,
    }
    left = stocked()

    second = replay(file)
    assert "3 orders were placed by an earlier run" in second
    assert "1 credit notes for orders that were cancelled already" in second
    assert stocked() == left == {"10001": 0, "10002": 3, "10003": 20_000}


@pytest.mark.usefixtures("workers")
def test_given_scarce_goods_when_replayed_then_the_late_are_told_sold_out(file: Path) -> None:
    output = replay(file, scarce=100)
    assert "✓ Everything adds up" in output
    failed = Order.objects.filter(state=Order.State.FAILED)
    assert set(failed.values_list("source", flat=True)) == {"replay:1", "replay:2"}
    assert "takes back an order that had failed" in output


@pytest.mark.usefixtures("workers")
def test_given_a_replay_stopped_by_ctrl_c_when_started_again_then_it_goes_on(
    workers: Runner, file: Path, wait_until: Callable[..., object]
) -> None:
    # The second order is due 34 seconds after the first: 34 minutes, 60 times as fast.
    running = workers.start("replay", manage("replay_orders", str(file), "--speed", "60"))
    wait_until(lambda: Order.objects.filter(source="replay:1").exists())
    running.process.send(signal.SIGINT)
    wait_until(lambda: not running.alive)
    assert "Start the same command again to go on." in running.output
    assert Order.objects.count() == 1

    assert "2 orders placed" in replay(file)
    assert Order.objects.count() == 3


def test_given_no_workers_when_replayed_then_it_gives_up_and_says_why(file: Path) -> None:
    with pytest.raises(CommandError, match=r"Are the dispatcher and the workers running\?"):
        replay(file, stall_timeout=0.2, limit=1)
    assert Order.objects.count() == 1


def test_given_a_known_product_when_imported_then_the_shops_own_words_stay(file: Path) -> None:
    product("10001", name="Our mug", price_minor=999, units=5)
    with pytest.raises(CommandError):
        replay(file, stall_timeout=0.2, limit=1)
    known = Product.objects.get(sku="10001")
    assert (known.name, known.price_minor) == ("Our mug", 999)
    assert stocked() == {"10001": 13}
    assert StockMovement.objects.filter(note="opening stock of a replay").count() == 1


def test_given_a_wrong_file_when_replayed_then_one_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        replay(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CommandError, match="must name the columns"):
        replay(tmp_path / "other.csv")
