"""Traces are an extra: without the packages, or without an endpoint, nothing is different."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tasks import tracing
from tasks.models import Job
from tests.running import ROOT
from tests.tasks.sample_tasks import note

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
NOWHERE = "http://127.0.0.1:9"

WHAT_A_PROCESS_DOES = """
import sys
# Not "opentelemetry": redis-py takes that in for its own metrics where it is installed.
OURS = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "tasks.telemetry")
{before}
import shop.wsgi, tasks.worker, tasks.dispatcher
from tasks import tracing
tracing.start("worker")
with tracing.span("x", "client", {{}}) as span:
    assert span is tracing.NOTHING
names = [name for name in sys.modules if name.startswith(OURS)]
print(names)
"""
BLOCKED = 'sys.modules["opentelemetry"] = None  # as if it were not installed'


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("OTEL")}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**variables, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_given_no_endpoint_then_nothing_is_imported() -> None:
    assert run(WHAT_A_PROCESS_DOES.format(before="")).stdout == "[]\n"


def test_given_an_endpoint_without_the_packages_then_one_line_says_what_to_install() -> None:
    done = run(WHAT_A_PROCESS_DOES.format(before=BLOCKED), **{ENDPOINT: NOWHERE})
    assert done.stdout == "[]\n"
    assert done.stderr.count("traces need opentelemetry-sdk") == 2  # for web and worker


@pytest.mark.django_db
def test_given_no_traces_then_a_job_has_no_context() -> None:
    job_id = note.delay("a").id
    assert Job.objects.get(pk=job_id).traceparent is None


@pytest.mark.django_db
def test_given_a_tracer_that_is_broken_then_jobs_are_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> tracing.Span:
        raise RuntimeError("no span for you")

    monkeypatch.setattr(tracing, "_begin", broken)
    assert Job.objects.get(pk=note.delay("a").id).traceparent is None


def test_given_an_error_in_a_span_then_it_goes_on_its_way() -> None:
    with pytest.raises(LookupError), tracing.span("x", "client", {}):
        raise LookupError
