"""The OpenAPI document and the API say the same: schemathesis asks everything it can think of.

Valid and invalid requests to each operation, with a key that may do everything. It fails on an
answer of 5xx, on a status or media type that the document doesn't have, on a body or header that
breaks its schema, on valid data refused, invalid data taken, and on a request without a key that is
answered where one is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck
from hypothesis import settings as examples
from pytest_django import Settings
from schemathesis import Case, GenerationMode, HookContext
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.openapi import from_wsgi
from schemathesis.specs.openapi.checks import positive_data_acceptance

from orders.models import Order
from orders.placing import LineRequest, place_order
from tests.shop.api.callers import key_of
from tests.shop.goods import product

EXAMPLES = 20
"""For each operation, besides the fixed cases of its parameters' limits."""

SEED = 1
NO_LIMIT = 1_000_000

GENERATION = GenerationConfig(deterministic=True, max_examples=EXAMPLES)
CONFIG = SchemathesisConfig(
    seed=SEED, projects=ProjectsConfig(default=ProjectConfig(generation=GENERATION))
)
document = from_wsgi("/api/openapi.json", WSGIHandler(), config=CONFIG)

KNOWN_CODE = "an-order-that-is-there"


@document.hook("map_path_parameters")
def sometimes_known(context: HookContext, path_parameters: Any) -> Any:
    """Every other order that is asked for exists, and every other product."""
    if not isinstance(path_parameters, dict):
        return path_parameters
    known = {"code": KNOWN_CODE, "sku": "MUG-1"}
    return {
        name: known[name] if isinstance(value, str) and len(value) % 2 else value
        for name, value in path_parameters.items()
    }


@pytest.fixture
def one_transaction(db: None) -> Iterator[None]:
    """The application stays in the test's transaction, as it does for Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def key(one_transaction: None, settings: Settings, ann: User) -> str:
    """A key for everything, and something to find at the API's addresses."""
    settings.API_READS_PER_MINUTE = settings.API_CHECKOUTS_PER_MINUTE = NO_LIMIT
    settings.API_STREAM_S = 0.0
    product("MUG-1")
    order = place_order(
        email="ann@example.com",
        lines=[LineRequest("MUG-1", 1)],
        payment_method="pm_ok",
        user=ann,
    )
    Order.objects.filter(pk=order.pk).update(code=KNOWN_CODE)
    return key_of(ann)


@pytest.mark.django_db
@document.parametrize()
@examples(
    derandomize=True,
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # one world for all examples
)
def test_given_any_request_then_the_answer_is_one_that_the_document_has(
    case: Case[Any], key: str
) -> None:
    bearer = {"Authorization": f"Bearer {key}"}
    if case.operation.label != "POST /api/checkout":
        case.call_and_validate(headers=bearer)
        return
    answer = case.call_and_validate(headers=bearer, excluded_checks=[positive_data_acceptance])
    # No schema knows what the shop sells, so an order that fits it may still be refused.
    if is_valid(case) and answer.status_code != 201:
        assert answer.json()["type"] in {
            "urn:shop:problem:order-refused",
            "urn:shop:problem:key-reused",
        }


def is_valid(case: Case[Any]) -> bool:
    return case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
