"""How the accounts' limits stand: on the command line in 80 columns, as JSON, and as gauges."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import CollectorRegistry
from typer.testing import CliRunner

from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from console.account_limits import gauges, limits_now
from console.cli.app import app
from console.web.metrics import PrecomputedMetrics
from dialer.bucket import CampaignLimits, Limits, TokenBucket, connect
from dialer.verdicts import Meter
from tests.support.seeding import numbers, seed

METER = Meter(minute_limit=150, minute_remaining=100, minute_reset=40, day_limit=750, day_remaining=500, day_reset=9000)


@pytest.fixture
def busy(buckets) -> TokenBucket:
    """A CallGear account with a call in progress, another client, and somebody in the line."""
    bucket = TokenBucket(buckets, "main", Limits(pace=0.2, concurrency=9, reserved_share=0.05), metered=True)
    bucket.acquire("a")
    bucket.settle("a", charged=True, meter=METER, call_in_progress=True)
    bucket.acquire("b", own=CampaignLimits(campaign="reminders-1"))
    return bucket


@pytest.fixture
def at_home(tmp_path, monkeypatch, redis_url) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dialer.toml").touch(mode=0o600)
    (tmp_path / "dialer.toml").write_text(
        f'[redis]\nurl = "{redis_url}"\n[accounts.main]\nprovider = "callgear"\naccess_token = "k"\n'
        'pace = 0.2\nconcurrency = 9\n[accounts.second]\nprovider = "webex"\nservice_key = "k"\n'
    )
    return tmp_path


def test_every_window_is_shown_with_who_waits_and_what_binds(busy, at_home):
    shown = CliRunner().invoke(app, ["accounts", "--watch"], env={"COLUMNS": "80"})
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert max(len(line) for line in lines) <= 80
    (minute,) = (line for line in lines if "minute points" in line)
    used, of, left, resets, _unit, others = minute.split()[2:]
    assert (used, of, left, others) == ("50", "150", "100", "0")
    assert 20 <= int(resets) <= 41
    assert any(line.startswith("main: pace binds for") and "in line: reminders-1 1" in line for line in lines)
    assert "second: nothing binds; in line: nobody" in lines


def test_the_same_as_json(busy, at_home):
    shown = CliRunner().invoke(app, ["accounts", "--watch", "--json"])
    main, second = json.loads(shown.output)
    assert (main["account"], main["binding"], main["waiting"]) == ("main", "pace", {"reminders-1": 1})
    assert [line["limit"] for line in main["lines"]] == ["pace", "minute points", "day points", "calls in progress"]
    assert main["lines"][3]["left"] == 8
    assert second["account"] == "second"


@pytest.mark.parametrize(("cost", "said"), [(3, True), (1, False)])
def test_a_call_that_costs_otherwise_than_the_settings_say_is_told(buckets, at_home, cost, said):
    bucket = TokenBucket(buckets, "main", Limits(pace=100_000.0), metered=True)
    for call in range(1, 8):
        bucket.acquire(f"{call}")
        told = Meter(minute_limit=150, minute_remaining=150 - cost * call, minute_reset=40)
        bucket.settle(f"{call}", charged=True, meter=told, call_in_progress=True)
    shown = CliRunner().invoke(app, ["accounts", "--watch"], env={"COLUMNS": "80"}).output
    assert ("the provider counted 3 points for each of the last calls" in shown.replace("\n", " ")) is said


def test_a_looks_cost_and_others_points_are_not_taken_for_a_calls(buckets):
    bucket = TokenBucket(buckets, "main", Limits(pace=100_000.0), metered=True)
    left = 150
    for call in range(12):
        left -= 1 + call % 3  # somebody else's points, now and then
        bucket.acquire(f"{call}", call=call % 2 == 0)
        told = Meter(minute_limit=150, minute_remaining=left, minute_reset=40)
        bucket.settle(f"{call}", charged=True, meter=told, call_in_progress=call % 2 == 0)
    assert bucket.peek().points_per_call is None


def test_without_redis_it_says_so(at_home):
    toml = at_home / "dialer.toml"
    toml.write_text(toml.read_text().replace("127.0.0.1", "127.0.0.1:1/0?x=", 1))
    shown = CliRunner().invoke(app, ["accounts", "--watch"], env={"DIALER_REDIS__URL": "redis://127.0.0.1:1/0"})
    assert shown.exit_code == 1
    assert "main: Redis does not answer: nothing is dialed" in shown.output


def test_status_says_that_redis_is_away_when_no_worker_can_come_by(at_home, monkeypatch):
    monkeypatch.setenv("DIALER_REDIS__URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("DIALER_LEDGER__URL", f"sqlite:///{at_home / 'ledger.sqlite3'}")
    ledger = Ledger(f"sqlite:///{at_home / 'ledger.sqlite3'}")
    upgrade(ledger)
    seed(ledger, numbers(2), now=datetime.now(UTC) - timedelta(minutes=5))
    ledger.close()
    shown = CliRunner().invoke(app, ["status", "--json"])
    assert json.loads(shown.output)[0]["why"] == "Redis does not answer"


def test_the_gauges_say_the_same(busy):
    registry = CollectorRegistry()
    registry.register(PrecomputedMetrics(list(gauges(limits_now({"main": busy})))))
    text = generate_latest(registry).decode()
    assert 'dialer_bucket_up{account="main"} 1.0' in text
    assert 'dialer_bucket_size{account="main",limit="minute points"} 150.0' in text
    assert 'dialer_bucket_waiting{account="main",campaign="reminders-1"} 1.0' in text
    assert 'dialer_bucket_binds{account="main",limit="pace"} 1.0' in text


def test_a_bucket_that_is_away_is_down_and_no_error():
    away = TokenBucket(connect("redis://127.0.0.1:1/0"), "main", Limits(pace=1))
    registry = CollectorRegistry()
    registry.register(PrecomputedMetrics(list(gauges(limits_now({"main": away, "other": away})))))
    assert generate_latest(registry).decode().count("dialer_bucket_up{") == 2
