"""Prometheus metrics, counted from the ledger and asked of the buckets at each scrape. No phone number is in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Select, func, or_, select

from campaigns.ledger.tables import attempts, campaigns, contacts, receipts
from console.desk import AtDesk
from console.limits import gauges, limits_now

ENDED_SHOWN_FOR = timedelta(days=1)  # so that the series of old campaigns end

router = APIRouter()


@router.get("/metrics")
def metrics(desk: AtDesk) -> Response:
    """All metrics, as Prometheus reads them."""
    with desk.ledger.reading() as db:
        families = list(_families(db, desk.clock()))
    registry = CollectorRegistry()
    registry.register(Counted([*families, *gauges(limits_now(desk.buckets))]))
    text = generate_latest(registry) + generate_latest(desk.counts.registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


class Counted(Collector):
    """Figures that were counted beforehand."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _families(db: Connection, now: datetime) -> Iterator[Metric]:
    shown = select(campaigns.c.id).where(
        or_(campaigns.c.finished_at.is_(None), campaigns.c.finished_at > now - ENDED_SHOWN_FOR)
    )
    yield _family(
        db,
        "dialer_campaigns",
        "Campaigns by status.",
        ("status",),
        select(campaigns.c.status, func.count()).group_by(campaigns.c.status),
    )
    yield _family(
        db,
        "dialer_contacts",
        "Contacts by campaign and status; campaigns that go on or ended within a day.",
        ("campaign", "status"),
        select(contacts.c.campaign_id, contacts.c.status, func.count())
        .where(contacts.c.campaign_id.in_(shown))
        .group_by(contacts.c.campaign_id, contacts.c.status),
    )
    yield _family(
        db,
        "dialer_attempts",
        "Attempts by account, the verdict on the request and the outcome of the call, as far as they have one.",
        ("account", "verdict", "outcome"),
        select(attempts.c.account, attempts.c.verdict, attempts.c.outcome, func.count()).group_by(
            attempts.c.account, attempts.c.verdict, attempts.c.outcome
        ),
    )
    yield _family(
        db,
        "dialer_receipts_waiting",
        "Receipts that have not found their attempt yet.",
        ("account",),
        select(receipts.c.account, func.count()).where(receipts.c.applied_at.is_(None)).group_by(receipts.c.account),
    )


def _family(
    db: Connection, name: str, words: str, labels: tuple[str, ...], query: Select[tuple[Any, ...]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for row in db.execute(query):
        values = tuple(row)
        family.add_metric([str(value or "") for value in values[:-1]], float(values[-1]))
    return family
