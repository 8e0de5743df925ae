"""The half of `tasks.tracing` that needs OpenTelemetry's packages. Imported when traces are on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextvars import Token
from typing import Any

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

logger = logging.getLogger(__name__)

LAST_MOMENT_MS = 3000
"""For what was not sent yet when a process ends: a collector that is down must not hold it up."""

_propagator = TraceContextTextMapPropagator()


def set_up(
    service: str,
) -> tuple[Callable[[str, str, str, Mapping[str, Any]], OpenSpan], Callable[[], None]]:
    """How to begin a span, and how to end it all. All other settings are the standard variables.

    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """
    named = Resource.create({SERVICE_NAME: service}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=named, shutdown_on_exit=True)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)  # for a project that instruments more than this
    tracer = provider.get_tracer("tasks")

    def begin(name: str, kind: str, parent: str, attributes: Mapping[str, Any]) -> OpenSpan:
        above = _propagator.extract({"traceparent": parent}) if parent else None
        made = tracer.start_span(
            name, context=above, kind=SpanKind[kind.upper()], attributes=_known(attributes)
        )
        return OpenSpan(made)

    def end() -> None:
        provider.force_flush(LAST_MOMENT_MS)

    return begin, end


class OpenSpan:
    """A span that is the current one of its thread until `end`. No method raises."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        opened = trace.set_span_in_context(span)
        self._token: Token[Context] = context.attach(opened)
        carrier: dict[str, str] = {}
        _propagator.inject(carrier, opened)
        self.traceparent = carrier.get("traceparent")

    def note(self, attributes: Mapping[str, Any], *, name: str = "") -> None:
        try:
            self._span.set_attributes(_known(attributes))
            if name:
                self._span.update_name(name)
        except Exception:
            logger.warning("A span lacks something", exc_info=True)

    def failed(self, kind: str) -> None:
        self.note({"error.type": kind})
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        try:
            context.detach(self._token)
            self._span.end()
        except Exception:
            logger.warning("A span did not end", exc_info=True)


def _known(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}
