"""Metrics for Prometheus, counted from the ledger."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from campaigns.lifecycle import CampaignStatus
from console.web import ledger_metrics
from console.web.app import create_app
from dialer.metrics import OUR_WORDS, known_word
from dialer.providers.registry import PROVIDERS
from tests.console.conftest import Console
from tests.support import console_server, prometheus
from tests.support.console_server import SECRET

METRICS_PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


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


def described() -> dict[str, tuple[str, set[str]]]:
    """Type and labels of each metric, as the documentation has them."""
    lines = re.findall(r"^\| `(dialer_\w+)` \| (\w+) \| (.*?) \|", METRICS_PAGE.read_text("utf-8"), re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in lines}


def test_the_page_describes_what_is_served(console: Console) -> None:
    reminder = console_server.add_campaign(console.ledger, now=console.clock())
    first, *_ = console_server.start_dialing(console.ledger, reminder, now=console.clock(), limit=2)
    console.deliver(console_server.notice("ANSWERED", "7519", call="call-1", attempt=first, at="2026-12-01T15:00:01Z"))
    console.deliver(console_server.notice("ENDED", "7520", call="call-1", attempt=first, at="2026-12-01T15:00:09Z"))
    text = console.http.get("/metrics").text
    page, served = described(), {}
    for family in text_string_to_metric_families(text):
        if family.name.startswith("dialer_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            served[name] = family.type
            labels = {label for one in family.samples for label in one.labels} - {"le"}
            assert labels <= page[name][1], name
            assert not family.samples or page[name][1] == labels, f"{name} has all of its labels"
    assert served == {name: kind for name, (kind, _) in page.items()}


@prometheus.needed
def test_the_names_follow_the_rules_of_prometheus(console: Console) -> None:
    reminder = console_server.add_campaign(console.ledger, now=console.clock())
    console_server.start_dialing(console.ledger, reminder, now=console.clock())
    command = [str(prometheus.program("promtool")), "check", "metrics"]
    checked = subprocess.run(command, input=console.http.get("/metrics").content, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_no_number_text_or_key_is_in_a_metric(console: Console) -> None:
    reminder = console_server.add_campaign(console.ledger, now=console.clock())
    console_server.start_dialing(console.ledger, reminder, now=console.clock(), limit=2)
    text = console.http.get("/metrics").text
    assert not [
        secret for secret in (*console_server.PHONES, "14155550", "reminder.", SECRET, "people.csv") if secret in text
    ]


def test_the_campaigns_that_metrics_name_are_bounded(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_metrics, "MOST_CAMPAIGNS", 2)
    for day, name in enumerate(("first", "second", "third")):
        console_server.add_campaign(console.ledger, name, now=console.clock() - timedelta(days=5 - day))
    named = {campaign for _, campaign, _ in samples(console, "dialer_campaign_info")}
    assert named == {"third-1", "second-1"}
    assert {campaign for campaign, _ in samples(console, "dialer_contacts")} == named


def test_without_the_ledger_there_are_metrics_for_who_had_them_before(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    app = create_app(console_server.settings(folder, f"sqlite:///{folder / 'ledger.sqlite3'}"))
    with console_server.serving(app) as address, console_server.client(address) as http:
        console_server.add_user(app.state.state.ledger, "reader", now=app.state.state.clock())
        reader = ("reader", console_server.PASSWORD.encode())
        assert "dialer_ledger_up 1.0" in http.get("/metrics", auth=reader).text
        app.state.state.ledger.close()
        (folder / "ledger.sqlite3").rename(folder / "gone")
        (folder / "ledger.sqlite3").mkdir()
        assert "dialer_ledger_up 0.0" in http.get("/metrics", auth=reader).text
        assert http.get("/metrics", auth=("reader", "a guess")).status_code == 503
        assert http.get("/metrics", auth=None).status_code in {401, 503}


@pytest.mark.parametrize(
    ("mnemonic", "label"),
    [
        (None, ""),
        ("limit_exceeded", "limit_exceeded"),
        ("http_502", "http_502"),
        ("too_late", "too_late"),
        ("+14155550101", "other"),
        ("call to Ann", "other"),
    ],
)
def test_what_a_provider_makes_up_is_one_label(mnemonic: str | None, label: str) -> None:
    known = OUR_WORDS.keys() | {row.mnemonic for row in PROVIDERS["callgear"].without_account().policy()}
    assert known_word(mnemonic, known) == label
