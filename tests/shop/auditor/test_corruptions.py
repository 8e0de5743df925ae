"""Whatever somebody changes past the services, the auditor names it, and nothing else."""

from __future__ import annotations

import os
from random import Random

import pytest
from django.db import transaction

from shop.auditor.auditing import breaches_of
from shop.auditor.invariants import invariants, provider_invariants
from tests.orders.provider import ScriptedProvider
from tests.orders.sink import SmtpSink
from tests.shop.auditor.corruptions import CORRUPTIONS, Broken, Hand
from tests.shop.auditor.world import build

pytestmark = pytest.mark.django_db(transaction=True)

ALL = (*invariants(), *provider_invariants())
SEEDS = int(os.environ.get("AUDIT_SEEDS", "1000"))


def found() -> Broken:
    return {(breach.invariant, breach.subject) for each in ALL for breach in breaches_of(each)}


def test_given_1000_corruptions_of_every_kind_when_audited_then_each_is_found(
    provider: ScriptedProvider, sink: SmtpSink
) -> None:
    world = build(provider)
    assert found() == set()
    broken: set[str] = set()
    for seed in range(SEEDS):
        corrupt = CORRUPTIONS[seed % len(CORRUPTIONS)]
        with transaction.atomic():
            expected = corrupt(Hand(world, Random(seed)))
            assert found() == expected, f"seed {seed}: {corrupt.__name__}"
            transaction.set_rollback(True)
        broken |= {invariant for invariant, _ in expected}
    assert found() == set()
    assert broken == {each.name for each in ALL}, "an invariant that nothing breaks"
