"""A sound shop is found sound."""

from __future__ import annotations

import pytest

from shop.auditor.auditing import audit
from shop.auditor.breaches import Breach
from shop.auditor.invariants import invariants, provider_invariants
from tests.orders.provider import ScriptedProvider
from tests.orders.sink import SmtpSink
from tests.shop.auditor.world import build

pytestmark = pytest.mark.django_db(transaction=True)


def test_given_orders_in_every_state_when_audited_then_everything_holds(
    provider: ScriptedProvider, sink: SmtpSink
) -> None:
    build(provider)
    found: list[Breach] = []
    audit((*invariants(), *provider_invariants()), on_breach=found.append)
    assert found == []
