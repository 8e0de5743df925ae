from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from tasks.conf import conf


def test_a_setting_counts_and_the_others_have_defaults(settings: Settings) -> None:
    settings.JOBS_POLL_S = 0.5
    assert (conf().poll_s, conf().max_crashes) == (0.5, 3)


def test_an_unknown_setting_is_refused_with_the_known_ones(settings: Settings) -> None:
    settings.JOBS_LEAS_S = 30
    with pytest.raises(ImproperlyConfigured, match=r"JOBS_LEAS_S is not a setting.*JOBS_LEASE_S"):
        conf()


@pytest.mark.parametrize("value", ["30", None, True, 0, -1])
def test_a_wrong_value_is_refused(settings: Settings, value: object) -> None:
    settings.JOBS_LEASE_S = value
    with pytest.raises(ImproperlyConfigured, match="JOBS_LEASE_S must be"):
        conf()
