"""`manage.py audit` as people and scripts run it."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from pytest_django.fixtures import Settings

from inventory.models import Stock, StockMovement
from tests.orders import makers

pytestmark = pytest.mark.django_db(transaction=True)


def audit(**options: object) -> tuple[int, str]:
    """Exit code and output."""
    output = StringIO()
    try:
        call_command("audit", stdout=output, **options)
    except SystemExit as end:
        return int(str(end.code)), output.getvalue()
    return 0, output.getvalue()


def units_appear(times: int = 1) -> list[Stock]:
    """Units that no movement tells of."""
    for _ in range(times):
        makers.product()
    Stock.objects.update(on_hand=F("on_hand") + 1)
    return list(Stock.objects.order_by("pk"))


def test_given_a_sound_shop_when_audited_then_every_invariant_is_ticked() -> None:
    makers.order()
    code, text = audit()
    assert code == 0
    assert "✓  stock.on_hand" in text
    assert "What is on hand is the sum of the stock's movements." in text
    assert "✓ audit: 30 invariants hold" in text
    assert "provider." not in text
    assert "\x1b" not in text


def test_given_a_breach_when_audited_then_it_is_told_with_its_page_and_the_exit_code_is_1() -> None:
    [stock] = units_appear()
    code, text = audit()
    assert code == 1
    assert "✗  stock.on_hand" in text
    told = " ".join(text.split())
    assert f"stock:{stock.pk}: expected 100 units by its movements, found 101 units" in told
    assert f"/admin/inventory/stock/{stock.pk}/change/" in told
    assert "✗ audit: 1 of 30 invariants are broken, 1 breaches" in told


def test_given_many_breaches_when_audited_then_the_first_are_shown_and_all_are_counted() -> None:
    units_appear(7)
    code, text = audit(first=2)
    assert code == 1
    assert text.count("found 101 units") == 2
    assert "7 breaches" in text


def test_given_one_name_or_family_when_audited_then_only_that_is_asked() -> None:
    units_appear()
    assert audit(invariant=["stock.reserved", "orders"])[0] == 0
    assert audit(invariant=["stock"])[0] == 1
    with pytest.raises(CommandError, match=r"no invariant 'stocks'. There are: stock\.bounds"):
        audit(invariant=["stocks"])


def test_given_json_when_audited_then_each_line_is_a_breach_or_an_invariant() -> None:
    [stock] = units_appear()
    code, text = audit(json=True, provider=True)
    lines = [json.loads(line) for line in text.splitlines()]
    assert code == 1
    assert lines[0] == {
        "invariant": "stock.on_hand",
        "subject": f"stock:{stock.pk}",
        "expected": "100 units by its movements",
        "found": "101 units on hand",
        "job_id": None,
        "attempt": None,
        "link": f"/admin/inventory/stock/{stock.pk}/change/",
    }
    told = {line["invariant"]: line["breaches"] for line in lines[1:]}
    assert (len(told), sum(told.values()), told["stock.on_hand"]) == (33, 1, 1)


def test_given_another_provider_when_its_books_are_asked_for_then_one_sentence_says_no(
    settings: Settings,
) -> None:
    settings.PAYMENT_GATEWAY = "stripe"
    with pytest.raises(CommandError, match="Only the sandbox provider's books are open to us"):
        audit(provider=True)
    assert audit()[0] == 0


def test_given_an_audit_then_it_writes_nothing() -> None:
    units_appear()
    before = StockMovement.objects.count()
    audit()
    assert StockMovement.objects.count() == before
