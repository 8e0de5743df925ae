"""The sandbox's signature, and a known answer of Stripe's scheme, which it follows."""

from __future__ import annotations

import pytest
import stripe

from orders.payments.signature import TOLERANCE_S, is_signed, sign

BODY, SECRET, AT = b'{"id": "evt_1"}', "a secret", 1_700_000_000


def test_given_a_signature_then_only_body_secret_and_time_of_it_fit() -> None:
    header = sign(BODY, secret=SECRET, at=AT)

    assert is_signed(BODY, header, secret=SECRET, now=AT)
    assert not is_signed(BODY + b" ", header, secret=SECRET, now=AT)
    assert not is_signed(BODY, header, secret="another", now=AT)
    assert not is_signed(BODY, header.replace(str(AT), str(AT + 1)), secret=SECRET, now=AT)


@pytest.mark.parametrize(("age_s", "fits"), [(TOLERANCE_S, True), (TOLERANCE_S + 1, False)])
def test_given_an_old_or_early_one_then_the_tolerance_decides(age_s: int, fits: bool) -> None:
    header = sign(BODY, secret=SECRET, at=AT)

    assert is_signed(BODY, header, secret=SECRET, now=AT + age_s) is fits
    assert is_signed(BODY, header, secret=SECRET, now=AT - age_s) is fits


def test_given_stripes_own_check_then_it_takes_the_signature() -> None:
    header = sign(BODY, secret=SECRET, at=AT)

    assert stripe.WebhookSignature.verify_header(BODY.decode(), header, SECRET, None)
