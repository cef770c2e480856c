"""Prometheus metrics, read from the ledger and the token buckets at each scrape. No phone number is in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from campaigns.reporting import counts
from campaigns.reporting.surroundings import TroubleKind
from console.account_limits import gauges, limits_now
from console.server.state import AppState, InjectedState

ENDED_CAMPAIGNS_SHOWN_FOR = timedelta(days=1)  # so that the number of series does not grow without end

router = APIRouter()


@router.get("/metrics")
def metrics(state: InjectedState) -> Response:
    """All metrics, in Prometheus' text format."""
    with state.ledger.reading() as db:
        families = [*_families(db, state.clock()), *_of_surroundings(state)]
    registry = CollectorRegistry()
    registry.register(PrecomputedMetrics([*families, *gauges(limits_now(state.buckets))]))
    text = generate_latest(registry) + b"".join(
        map(generate_latest, (state.counts.registry, state.guard.registry, state.connections.registry))
    )
    return Response(text, media_type=CONTENT_TYPE_LATEST)


class PrecomputedMetrics(Collector):
    """A collector of metrics that are computed already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The metrics, for the registry."""
        return self._families


def _families(db: Connection, now: datetime) -> Iterator[Metric]:
    yield _family("dialer_campaigns", "Campaigns by status.", ("status",), counts.campaigns_by_status(db))
    yield _family(
        "dialer_contacts",
        "Contacts by campaign and status; campaigns that go on or ended within a day.",
        ("campaign", "status"),
        counts.contacts_by_status(db, ended_after=now - ENDED_CAMPAIGNS_SHOWN_FOR),
    )
    yield _family(
        "dialer_attempts",
        "Attempts by account, the verdict on the request and the outcome of the call, as far as they have one.",
        ("account", "verdict", "outcome"),
        counts.attempts_by_result(db),
    )
    yield _family(
        "dialer_receipts_waiting",
        "Receipts that have not found their attempt yet.",
        ("account",),
        counts.receipts_waiting(db),
    )
    yield _family(
        "dialer_webhook_events_waiting",
        "Events that wait to be delivered, by webhook.",
        ("webhook",),
        counts.events_waiting(db),
    )
    yield _family(
        "dialer_webhook_events",
        "Events delivered and given up, and requests that delivered nothing, by webhook since it was added.",
        ("webhook", "result"),
        counts.events_by_result(db),
    )
    yield _family(
        "dialer_faults",
        "Faults of the dialer's own steps since the ledger began, by step and account; each is in a worker's log.",
        ("step", "account"),
        counts.faults_by_step(db),
    )


def _of_surroundings(state: AppState) -> Iterator[Metric]:
    """Whether anything keeps everything from being dialed, and how old the last release tick is."""
    trouble = state.surroundings.look()
    troubles = [(kind.value, trouble is not None and trouble.kind is kind) for kind in TroubleKind]
    yield _family("dialer_trouble", "1 for what keeps everything from being dialed.", ("kind",), troubles)
    age = state.inspection.tick_age()
    if age is not None:
        yield GaugeMetricFamily("dialer_tick_age_seconds", "Seconds since a worker took a release tick.", value=age)


def _family(name: str, description: str, labels: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, description, labels=labels)
    for row in rows:
        values = tuple(row)
        family.add_metric([str(value or "") for value in values[:-1]], float(values[-1]))
    return family
