"""`.env.example` names every variable that the settings read, and no other."""

from __future__ import annotations

import re

from stack.layout import ROOT

READ_ELSEWHERE = {
    "FLOWER_BASIC_AUTH",  # by Flower
    "MAIL_DIR",  # by the closing tables
    "OTEL_EXPORTER_OTLP_ENDPOINT",  # by OpenTelemetry, if it is installed
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "POSTGRES_PASSWORD",  # by docker-compose.yml
    "REDIS_PASSWORD",
    "RABBITMQ_PASSWORD",
}


def documented() -> list[str]:
    example = (ROOT / ".env.example").read_text()
    return re.findall(r"^#?([A-Z][A-Z_]*)=", example, re.MULTILINE)


def read_by_settings() -> set[str]:
    settings = (ROOT / "shop" / "settings.py").read_text()
    return set(re.findall(r"""(?:env(?:\.\w+)?|required)\(\s*"([A-Z_]+)\"""", settings))


def test_given_the_settings_then_the_example_documents_each_variable_once() -> None:
    assert sorted(documented()) == sorted(read_by_settings() | READ_ELSEWHERE)


def test_given_the_example_as_it_is_then_copying_it_changes_nothing() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()

    assert all(not line or line.startswith("#") for line in lines)
