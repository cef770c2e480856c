"""No figure of a provider is believed beyond its bounds, and the log names each that was not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

import dialer.providers
from dialer.http import HttpReply
from dialer.providers import bounds
from dialer.providers.callgear import rpc
from dialer.providers.callgear.replies import placed
from dialer.providers.registry import account_settings, provider_for
from dialer.providers.rules import retry_after
from dialer.seldom import Seldom
from dialer.verdicts import Verdict

DAY = 86400.0
LARGE = (1795944000000, 1e18, 10**400, float("inf"), "1" * 301, "1e400", "Infinity")
NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_named_yet(monkeypatch):
    monkeypatch.setattr(bounds, "_named", Seldom())


def limits(**figures: Any) -> Any:
    content = {"result": {"data": {}, "metadata": {"limits": figures}}}
    return rpc.read(HttpReply(status=200, body=json.dumps(content).encode())).meter


@pytest.mark.parametrize("said", LARGE)
def test_a_reset_is_never_further_away_than_its_window_is_long(said):
    meter = limits(minute_reset=said, day_reset=said)
    assert 60 <= meter.minute_reset <= 70
    assert DAY <= meter.day_reset <= DAY + 10


@pytest.mark.parametrize("said", [-1, -1e30, -(10**400), "-5", float("-inf")])
def test_nothing_is_reset_in_the_past_and_no_fewer_points_than_none_remain(said):
    meter = limits(minute_reset=said, minute_remaining=said, day_remaining=said)
    assert (meter.minute_reset, meter.minute_remaining, meter.day_remaining) == (0, 0, 0)


@pytest.mark.parametrize("said", LARGE)
def test_no_more_points_remain_than_their_limit(said):
    assert limits(minute_limit=300, minute_remaining=said).minute_remaining == 300
    assert limits(day_limit=5000, day_remaining=said).day_remaining == 5000


@pytest.mark.parametrize("said", [*LARGE, 0, -5, float("nan"), "many", [], {}, True])
def test_a_limit_that_no_tariff_has_is_none(said):
    assert limits(minute_limit=said, minute_reset=1).minute_limit is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("-5", 0),
        ("1000000000", 3600),
        ("9" * 301, 3600),
        ("9" * 5000, 3600),
        ("1e400", 3600),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Tue, 01 Dec 2026 15:00:30 GMT", 30),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("Tue, 01 Dec 2020 15:00:00 GMT", 0),
        ("Tue, 99 Dec 2026 99:99:99 GMT", None),
    ],
)
def test_nobody_is_put_off_for_longer_than_an_hour_by_a_header(header, seconds):
    reply = HttpReply(status=429, headers={"retry-after": header, "date": "Tue, 01 Dec 2026 15:00:00 GMT"})
    assert retry_after(reply) == seconds


@pytest.mark.parametrize("kind", ["minute", "day", None])
@pytest.mark.parametrize("said", [1e18, "1e400", -1, None, [], "soon"])
def test_a_throttle_of_callgear_ends_within_a_day(kind, said):
    figures = {"minute_reset": said, "day_reset": said, "minute_remaining": 0, "day_remaining": 0}
    error = {"code": -32029, "data": {"mnemonic": "limit_exceeded", "params": {"limit_type": kind}}}
    error["data"]["metadata"] = {"limits": figures}
    provider = provider_for(account_settings(provider="callgear", access_token="k"))
    ruling = provider.read_placing(HttpReply(status=200, body=json.dumps({"error": error}).encode()))
    assert ruling.verdict is Verdict.THROTTLED
    assert 0 <= ruling.retry_after <= DAY + 10


def test_the_id_of_a_call_keeps_every_digit():
    session = 2**53 + 1
    call = placed({"call_session_id": session}, rpc.Metadata())
    assert call is not None
    assert call.call_session_id == session


@pytest.mark.parametrize("said", [-1, 1e300, 10**30, "nan", {}, True])
def test_an_id_that_no_call_has_is_none(said):
    assert placed({"call_session_id": said}, rpc.Metadata()) is None


@pytest.mark.parametrize("said", [-5, 0, 1e300, "none", float("nan")])
def test_no_refusal_makes_every_text_too_long(said):
    provider = provider_for(account_settings(provider="callgear", access_token="k"))
    data = {"mnemonic": "tts_text_exceeded", "params": {"tts_message_max_length": said}}
    provider.read_placing(HttpReply(status=200, body=json.dumps({"error": {"code": -32602, "data": data}}).encode()))
    assert provider.text_limit is None


@pytest.mark.parametrize("said", [1.8e12, -1, 1e300, float("nan"), "2027"])
def test_a_session_key_whose_end_cannot_be_right_has_no_known_end(said):
    provider = provider_for(account_settings(provider="callgear", login="user", password="pass"))
    provider.logging_in(NOW)
    data = {"access_token": "session", "expire_at": said}
    provider.read_login(HttpReply(status=200, body=json.dumps({"result": {"data": data}}).encode()))
    assert provider.login().ends_at is None


@pytest.mark.parametrize("said", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1999-12-31", "soon", 5])
def test_a_moment_of_another_age_is_none(said):
    assert bounds.instant(said) is None


def test_a_moment_ahead_of_now_or_before_the_call_is_none():
    since = NOW - timedelta(minutes=10)
    assert bounds.believed_since(NOW + timedelta(seconds=20), since, NOW) == NOW + timedelta(seconds=20)
    for moment in (NOW + timedelta(hours=3), since - timedelta(hours=3)):
        assert bounds.believed_since(moment, since, NOW) is None


def test_a_figure_beyond_its_bounds_is_named_once_a_minute_for_each_account():
    with capture_logs() as lines:
        for account in ("north", "south"):
            with bounds.reading_for(account):
                for _ in range(5):
                    limits(minute_reset=14155550123000)
    named = [(line["account"], line["figure"], line["taken_as"]) for line in lines]
    assert named == [("north", "minute_reset", 65.0), ("south", "minute_reset", 65.0)]
    assert "4155550123" not in repr(lines), "it could be somebody's telephone"


def test_numbers_from_outside_are_read_in_one_place_only():
    reading = re.compile(r"\b(float|int)\(|fromtimestamp\(|fromisoformat\(")
    folder = Path(dialer.providers.__file__).parent
    sent = {"messages.py", "params.py", "data_api.py", "auth.py"}  # what we send is ours
    elsewhere = {
        line.strip()
        for file in folder.rglob("*.py")
        for line in file.read_text().splitlines()
        if reading.search(line) and file.name not in {"bounds.py", *sent}
    }
    assert elsewhere == {"value = int(value)"}, "parsing.word writes a number as text"
