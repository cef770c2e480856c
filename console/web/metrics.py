"""`/metrics` for Prometheus: what stands in the ledger and in Redis, and what every process has counted and timed.

docs/metrics.md lists them. No phone number, no text and no key is in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fastapi import APIRouter, Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric

from campaigns.ledger.store import LedgerUnavailable
from campaigns.reporting.surroundings import TroubleKind
from console.account_limits import gauges, limits_now
from console.server.state import AppState, InjectedState
from console.web.ledger_metrics import gauge, ledger_metrics
from dialer.log import get_logger

NO_REDIS = {TroubleKind.NO_STACK, TroubleKind.REDIS_AWAY}
KINDS = ("beat", "console", "flower", "worker")

log = get_logger()
router = APIRouter()


@router.get("/metrics")
def metrics(state: InjectedState) -> Response:
    """All metrics, in Prometheus' text format; without the ledger, or without Redis, what the rest knows."""
    of_processes, processes = state.shared_metrics.of_all()
    text = generate_latest(PrecomputedMetrics(families(state, processes)))
    text += "".join(described + samples for described, samples in of_processes.values()).encode()
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def families(state: AppState, processes: Sequence[str]) -> Iterator[Metric]:
    """All metrics but those that processes count."""
    of_ledger = _of_ledger(state)
    yield gauge("dialer_ledger_up", "Whether the ledger answers.", (), [(bool(of_ledger),)])
    yield from of_ledger
    yield from _of_surroundings(state)
    kinds = [name.partition("@")[0] for name in processes]
    yield gauge(
        "dialer_processes",
        "Processes that have shown their metrics within the last seconds.",
        ("kind",),
        [(kind, kinds.count(kind)) for kind in KINDS],
    )
    yield gauge(
        "dialer_account_info",
        "1 for each account of the settings; outcomes are learnt by `follows`.",
        ("account", "provider", "follows"),
        [(name, provider.name, provider.follows.value, 1) for name, provider in state.providers.items()],
    )
    yield from gauges(limits_now(state.buckets))


def _of_ledger(state: AppState) -> list[Metric]:
    try:
        with state.ledger.reading() as db:
            return list(ledger_metrics(db, state.settings.accounts, state.clock()))
    except LedgerUnavailable as exc:
        log.error("metrics without the ledger", why=exc.message, remedy=exc.remedy)
        return []


def _of_surroundings(state: AppState) -> Iterator[Metric]:
    """Whether anything keeps everything from being dialed, how old the last release tick is, what the queues hold."""
    trouble = state.surroundings.look()
    troubles = [(kind.value, trouble is not None and trouble.kind is kind) for kind in TroubleKind]
    yield gauge("dialer_trouble", "1 for what keeps everything from being dialed.", ("kind",), troubles)
    has_redis = trouble is None or trouble.kind not in NO_REDIS
    age = state.inspection.tick_age() if has_redis else None
    yield gauge(
        "dialer_tick_age_seconds",
        "Seconds since a worker took a release tick.",
        (),
        [] if age is None else [(age,)],
    )
    depths = state.inspection.queue_depths() if has_redis else {}
    yield gauge("dialer_queue_depth", "Tasks that wait for a worker, by queue.", ("queue",), depths.items())


class PrecomputedMetrics:
    """Metrics that are computed already, as a registry has them."""

    def __init__(self, metrics_: Iterable[Metric]) -> None:
        self._metrics = metrics_

    def collect(self) -> Iterable[Metric]:
        """The metrics."""
        return self._metrics
