"""The accounts' page: each limit at this moment, who waits, what keeps an account from dialing, and going on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert

from campaigns.ledger import moves
from campaigns.ledger.tables import breakers
from campaigns.lifecycle import PauseKind
from campaigns.operations.people import Role
from campaigns.safeguards.halts import halt_account
from dialer.bucket import CampaignLimits, Limits, TokenBucket
from dialer.verdicts import Meter
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.html import NASTY, send, text_of, token_of

METER = Meter(minute_limit=150, minute_remaining=100, minute_reset=40, day_limit=750, day_remaining=500, day_reset=9000)


@pytest.fixture
def halted(console: Console) -> str:
    """A campaign whose account cannot dial."""
    campaign = console_server.add_campaign(console.ledger, now=console.clock())
    with console.ledger.writing() as db:
        halt_account(db, "bulk", f"the key is blocked {NASTY} +14155550101", now=console.clock())
    return campaign


def test_each_limit_and_who_waits_is_shown(console: Console, buckets, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = TokenBucket(buckets, "main", Limits(pace=0.2, concurrency=9, reserved_share=0.05), metered=True)
    busy.acquire("a")
    busy.settle("a", charged=True, meter=METER, call_in_progress=True)
    busy.acquire("b", own=CampaignLimits(campaign="reminders-1"))
    monkeypatch.setattr(console.state, "buckets", {"main": busy})
    page = text_of(console.http.get("/accounts").text)
    assert "main callgear" in page
    assert "minute points 50 100 150" in page
    assert "pace holds calls back" in page
    assert "calls in progress 1 8 9" in page
    assert "In line: reminders-1 1" in page
    (account,) = console.http.get("/api/v1/accounts").json()["items"]
    assert (account["waiting"], account["halted"], account["breakers"]) == ({"reminders-1": 1}, [], [])


def test_without_redis_the_page_says_that_nothing_is_dialed(console: Console) -> None:
    assert "Redis does not answer: nothing is dialed" in text_of(console.http.get("/accounts").text)


def test_a_halt_is_shown_with_the_providers_word_and_ended_by_an_administrator(console: Console, halted: str) -> None:
    html = console.http.get("/accounts").text
    assert NASTY not in html
    assert "5550101" not in html
    assert (
        f"{halted} is paused since 2026-12-01 15:00:00 UTC: the account bulk cannot call: the key is blocked"
        in text_of(html)
    )
    assert "The account is asked again at 2026-12-01 15:01:00 UTC" in text_of(html)
    reply = send(console.http, "/accounts", "/accounts/bulk/resume")
    assert reply.status_code == 303
    page = console.http.get(reply.headers["location"]).text
    assert "1 campaign goes on." in page
    assert "/accounts/bulk/resume" not in page
    assert '<span class="pill running">' in console.http.get(f"/campaigns/{halted}").text
    (line,) = console_server.audit_rows(console.ledger, "campaign running")
    assert line.who == "operator"


def test_the_button_pressed_twice_resumes_once(console: Console, halted: str) -> None:
    token = console.http.get("/accounts").text.partition('name="token" value="')[2].partition('"')[0]
    places = [console.http.post("/accounts/bulk/resume", data={"token": token}).headers["location"] for _ in range(2)]
    assert places == ["/accounts?resumed=1", "/accounts?resumed=0"]
    assert "No campaign was left to resume." in console.http.get(places[1]).text
    assert console.http.post("/accounts/nobody/resume", data={"token": token}).status_code == 404


def test_only_campaigns_halted_by_this_account_go_on(console: Console, halted: str) -> None:
    paused = console_server.add_campaign(console.ledger, "paused", now=console.clock())
    with console.ledger.writing() as db:
        moves.pause(db, paused, PauseKind.CANARY, console.clock(), reason="too few")
    headers = {"X-Dialer": "1"}
    assert console.http.post("/api/v1/accounts/signed/resume", headers=headers).json()["campaigns"] == []
    assert console.http.post("/api/v1/accounts/bulk/resume", headers=headers).json()["campaigns"] == [halted]
    assert console.http.post("/api/v1/accounts/nobody/resume", headers=headers).status_code == 404


def test_an_open_breaker_says_when_one_call_tries(console: Console) -> None:
    now = console.clock()
    campaign = console_server.add_campaign(console.ledger, now=now)
    with console.ledger.writing() as db:
        moves.pause(db, campaign, PauseKind.BREAKER, now, reason="breaker: 9 of 10 requests failed")
        facts = {"campaign_id": campaign, "account": "bulk", "scope": "account", "opened_at": now, "times": 1}
        db.execute(insert(breakers).values(**facts, try_at=now + timedelta(minutes=2)))
    page = text_of(console.http.get("/accounts").text)
    assert "Circuit breaker of reminder-1 and the account's other campaigns" in page.replace("&#39;", "'")
    assert "One call tries at 2026-12-01 15:02:00 UTC" in page


def test_only_an_administrator_resumes_what_a_halt_has_paused(console: Console, halted: str) -> None:
    console_server.add_user(console.ledger, "sender", Role.SENDER, now=console.clock())
    with console_server.client(console.address, user="sender") as http:
        page = http.get("/accounts").text
        assert halted in page
        assert "/accounts/bulk/resume" not in page
        assert http.post("/accounts/bulk/resume", data={"token": token_of(page)}).status_code == 403
