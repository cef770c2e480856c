"""Delivers traces by OpenTelemetry (OTLP over HTTP), where an endpoint is set; nothing of it is imported otherwise."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version

from dialer import traces
from dialer.log import get_logger
from dialer.traces import Span
from workers.settings import Settings

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXTRA = "campaign-dialer[otel]"

log = get_logger()


def begin(settings: Settings, process: str) -> Callable[[], None]:
    """Deliver this process's spans, if an endpoint is set; returns what delivers the last of them at its end."""
    endpoint = settings.tracing.endpoint
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if off or not (endpoint or any(os.environ.get(name) for name in ENDPOINTS)):
        return lambda: None
    try:
        deliver, end = _delivery(endpoint, process)
    except ImportError as exc:
        log.error("traces are not delivered", why=f"{exc.name} is not installed", remedy=f"pip install '{EXTRA}'")
        return lambda: None
    traces.begin(deliver)
    return end


def _delivery(endpoint: str | None, process: str) -> tuple[Callable[[Span], None], Callable[[], None]]:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, TraceFlags

    given = {"service.name": "campaign-dialer", "service.version": version("campaign-dialer")}
    resource = Resource.create({**given, "service.instance.id": process})
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None)
    batches = BatchSpanProcessor(exporter)
    scope = InstrumentationScope("campaign-dialer", given["service.version"])

    def context(trace_id: int, span_id: int, *, remote: bool) -> SpanContext:
        return SpanContext(trace_id, span_id, is_remote=remote, trace_flags=TraceFlags(TraceFlags.SAMPLED))

    def deliver(span: Span) -> None:
        parent = None if span.parent_id is None else context(span.trace_id, span.parent_id, remote=True)
        batches.on_end(
            ReadableSpan(
                name=span.name,
                context=context(span.trace_id, span.span_id, remote=False),
                parent=parent,
                resource=resource,
                attributes=span.attributes,
                start_time=_nanoseconds(span.start),
                end_time=_nanoseconds(span.end),
                instrumentation_scope=scope,
            )
        )

    def end() -> None:
        traces.begin(None)
        batches.shutdown()  # type: ignore[no-untyped-call]

    return deliver, end


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
