"""Metrics of what stands in the ledger, counted at each scrape: the same at every console, whatever processes ran.

Names of campaigns are labels, so those of few are: the newest `MOST_CAMPAIGNS` that go on, or ended within a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import Connection

from campaigns.lifecycle import CampaignStatus, ContactStatus, Step
from campaigns.reporting import counts
from campaigns.safeguards.account_troubles import AccountTroubles, troubles_by_account
from dialer.calls import Outcome

ENDED_CAMPAIGNS_SHOWN_FOR = timedelta(days=1)
MOST_CAMPAIGNS = 500
NO_TROUBLES = AccountTroubles()


def ledger_metrics(db: Connection, accounts: Iterable[str], now: datetime) -> Iterator[Metric]:
    """All of them."""
    yield gauge("dialer_campaigns", "Campaigns by status.", ("status",), counts.campaigns_by_status(db))
    yield from _of_campaigns(db, now)
    yield gauge(
        "dialer_attempts",
        "Attempts by account, the verdict on the request and the outcome of the call, as far as they have one.",
        ("account", "verdict", "outcome"),
        counts.attempts_by_result(db),
    )
    yield from _of_accounts(db, accounts)
    yield from _of_webhooks(db, now)
    yield counter(
        "dialer_faults",
        "Faults of the dialer's own steps since the ledger began; each is in a worker's log.",
        ("step", "account"),
        _faults(db, accounts),
    )


def _of_campaigns(db: Connection, now: datetime) -> Iterator[Metric]:
    shown = counts.latest_campaigns(db, ended_after=now - ENDED_CAMPAIGNS_SHOWN_FOR, limit=MOST_CAMPAIGNS)
    ids = [campaign.id for campaign in shown]
    running = [campaign.id for campaign in shown if campaign.status == CampaignStatus.RUNNING]
    contacts = counts.contacts_by_status(db, ids)
    calls = counts.calls_by_outcome(db, ids)
    yield gauge(
        "dialer_campaign_info",
        "1 for each campaign that other metrics name.",
        ("campaign", "account", "status"),
        [(campaign.id, campaign.account, campaign.status, 1) for campaign in shown],
    )
    yield gauge(
        "dialer_campaign_held",
        "1 for a running campaign that cannot start a call now, by what holds it.",
        ("campaign", "kind"),
        [(campaign.id, campaign.hold_kind, 1) for campaign in shown if campaign.id in running and campaign.hold_kind],
    )
    yield gauge("dialer_contacts", "Contacts by campaign and status.", ("campaign", "status"), contacts)
    claimed = sum(number for _, status, number in contacts if status == ContactStatus.CLAIMED)
    yield gauge(
        "dialer_claims_waiting", "Contacts that are claimed, and wait for a worker to call them.", (), [(claimed,)]
    )
    yield gauge(
        "dialer_oldest_due_seconds",
        "For how long the contact of a running campaign that waits longest could have been called.",
        ("campaign",),
        [(name, (now - due_at).total_seconds()) for name, due_at in counts.oldest_due(db, running) if due_at <= now],
    )
    yield gauge(
        "dialer_campaign_calls",
        "Settled attempts by campaign and outcome; by status, where no call was placed.",
        ("campaign", "outcome"),
        calls,
    )
    yield gauge(
        "dialer_caller_id_calls",
        "Ended calls by campaign, the number of several that was shown, masked, and outcome.",
        ("campaign", "caller_id", "outcome"),
        counts.calls_by_caller_id(db, ids),
    )
    yield gauge(
        "dialer_caller_id_falling",
        "1 for a number of several whose calls are answered less than before; masked.",
        ("campaign", "caller_id"),
        counts.falling_caller_ids(db, running),
    )
    yield gauge(
        "dialer_unknown_ratio",
        "The share of a campaign's calls that ended unknown.",
        ("campaign",),
        _unknown_ratios(calls),
    )


def _faults(db: Connection, accounts: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """From 0 on, as `begin_at_nought` says."""
    times = {(step, account): number for step, account, number in counts.faults_by_step(db)}
    none = dict.fromkeys(product(Step, ("", *accounts)), 0)
    return ((step, account, number) for (step, account), number in (none | times).items())


def _unknown_ratios(calls: counts.Rows) -> Iterator[tuple[str, float]]:
    ended: dict[str, int] = {}
    unknown: dict[str, int] = {}
    for campaign, outcome, number in calls:
        if outcome in set(Outcome):
            ended[campaign] = ended.get(campaign, 0) + number
        if outcome == Outcome.UNKNOWN:
            unknown[campaign] = number
    return ((campaign, unknown.get(campaign, 0) / number) for campaign, number in ended.items() if number)


def _of_accounts(db: Connection, accounts: Iterable[str]) -> Iterator[Metric]:
    troubles = troubles_by_account(db)
    by_account = [(name, troubles.get(name, NO_TROUBLES)) for name in sorted({*accounts, *troubles})]
    yield gauge(
        "dialer_halted_campaigns",
        "Campaigns that are paused because their account cannot dial.",
        ("account",),
        [(name, len(trouble.halted)) for name, trouble in by_account],
    )
    yield gauge(
        "dialer_open_breakers",
        "Campaigns that a circuit breaker has paused.",
        ("account",),
        [(name, len(trouble.breakers)) for name, trouble in by_account],
    )
    yield gauge(
        "dialer_receipts_waiting",
        "Receipts that have not found their attempt yet.",
        ("account",),
        (dict.fromkeys(accounts, 0) | counts.receipts_waiting(db)).items(),
    )


def _of_webhooks(db: Connection, now: datetime) -> Iterator[Metric]:
    waiting = counts.events_waiting(db)
    yield gauge(
        "dialer_webhook_events_waiting",
        "Events that wait to be delivered, by webhook.",
        ("webhook",),
        [(name, backlog.waiting) for name, backlog in waiting],
    )
    yield gauge(
        "dialer_webhook_oldest_event_seconds",
        "For how long the event waits that waits longest; 0: none does.",
        ("webhook",),
        [
            (name, max(0.0, (now - backlog.oldest).total_seconds()) if backlog.oldest else 0)
            for name, backlog in waiting
        ],
    )
    yield counter(
        "dialer_webhook_events",
        "Events delivered and given up, and requests that delivered nothing, by webhook since it was added.",
        ("webhook", "result"),
        counts.events_by_result(db),
    )


def gauge(name: str, description: str, labels: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> Metric:
    """A metric whose value may rise and fall; each row holds its labels' values, then its own."""
    return _filled(GaugeMetricFamily(name, description, labels=labels), rows)


def counter(name: str, description: str, labels: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> Metric:
    """A metric whose value only rises."""
    return _filled(CounterMetricFamily(name, description, labels=labels), rows)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, rows: Iterable[Sequence[Any]]) -> Metric:
    for *labels, value in rows:
        family.add_metric([str(label or "") for label in labels], float(value))
    return family
