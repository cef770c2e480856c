"""Metrics for Prometheus, counted from the ledger."""

from __future__ import annotations

from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from campaigns.lifecycle import CampaignStatus
from tests.console.conftest import Console
from tests.support import console_server


def samples(console: Console, name: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(console.http.get("/metrics").text)
    return {tuple(one.labels.values()): one.value for family in families for one in family.samples if one.name == name}


def test_contacts_attempts_and_campaigns_are_counted(console: Console) -> None:
    now = console.clock()
    reminder = console_server.add_campaign(console.ledger, now=now)
    console_server.add_campaign(console.ledger, "stopped", now=now, status=CampaignStatus.PAUSED)
    first, _ = console_server.start_dialing(console.ledger, reminder, now=now, limit=2)
    console.deliver(console_server.notice("ANSWERED", "7519", call="call-1", attempt=first, at="2026-12-01T15:00:01Z"))
    assert samples(console, "dialer_campaigns") == {("paused",): 1, ("running",): 1}
    assert samples(console, "dialer_contacts") == {
        ("reminder-1", "dialing"): 1,
        ("reminder-1", "pending"): 1,
        ("reminder-1", "placed"): 1,
        ("stopped-1", "pending"): 3,
    }
    assert samples(console, "dialer_attempts") == {("bulk", "", ""): 1, ("bulk", "", "placed"): 1}


def test_the_series_of_a_campaign_end_a_day_after_it_did(console: Console) -> None:
    ended = {"status": CampaignStatus.FINISHED, "finished_at": console.clock()}
    console_server.add_campaign(console.ledger, now=console.clock(), **ended)  # type: ignore[arg-type]
    assert samples(console, "dialer_contacts") == {("reminder-1", "pending"): 3}
    console.clock.forward(timedelta(days=1, seconds=1).total_seconds())
    assert samples(console, "dialer_contacts") == {}
    assert samples(console, "dialer_campaigns") == {("finished",): 1}


def test_an_empty_ledger_has_metrics_too(console: Console) -> None:
    assert samples(console, "dialer_campaigns") == {}
    assert console.http.get("/metrics").headers["content-type"].startswith("text/plain; version=")


def test_what_keeps_everything_from_being_dialed_is_a_metric(console: Console) -> None:
    troubles = samples(console, "dialer_trouble")
    assert troubles.pop(("no_stack",)) == 1
    assert set(troubles.values()) == {0}
    assert samples(console, "dialer_tick_age_seconds") == {}
