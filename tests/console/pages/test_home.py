"""The first page: what needs somebody, what runs, and the campaigns, found and page by page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from campaigns.ledger.tables import campaigns, halts, schedules
from campaigns.lifecycle import CampaignStatus, LaunchState, PauseKind
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.html import NASTY, text_of


def needs_of(console: Console) -> str:
    page = console.http.get("/").text
    return text_of(page[page.index('id="needs"') : page.index('id="running"')])


def rows_of(console: Console, path: str = "/") -> list[str]:
    page = console.http.get(path).text
    return re.findall(r'<a href="/campaigns/([\w-]+)">', page[page.index('id="campaign-list"') :])


def schedule(console: Console, name: str, **facts: object) -> None:
    now = console.clock()
    line = {"name": name, "file": f"/lists/{name}.yaml", "next_at": now + timedelta(hours=1), "last_at": None}
    line |= {"last_said": "not yet launched", "state": LaunchState.IDLE, "added_by": "ann", "added_at": now}
    with console.ledger.writing() as db:
        db.execute(insert(schedules).values(**line | facts))


def test_nothing_needs_somebody_where_all_goes_on(console: Console) -> None:
    console_server.add_campaign(console.ledger, now=console.clock(), status=CampaignStatus.FINISHED)
    schedule(console, "daily", next_at=console.clock() + timedelta(minutes=5))
    assert "Nothing needs you now" in needs_of(console)


def test_what_is_paused_held_or_short_of_rows_needs_somebody(console: Console) -> None:
    now = console.clock()
    console_server.add_campaign(console.ledger, "stopped", now=now, status=CampaignStatus.PAUSED, reason="by a person")
    held = {"held_by": "day points", "hold_kind": "day_points", "held_until": now + timedelta(minutes=5)}
    console_server.add_campaign(console.ledger, "waits", now=now, **held)
    console_server.add_campaign(console.ledger, "short", now=now, rejects=5)
    console_server.add_campaign(console.ledger, "over", now=now, status=CampaignStatus.FINISHED, rejects=9)
    needs = needs_of(console)
    assert "stopped-1 is paused by a person" in needs
    assert "waits-1 is held" in needs
    assert "until 2026-12-01 15:05:00 UTC" in needs
    assert "short-1: 5 rows of its list were rejected" in needs
    assert "over-1" not in needs


def test_a_campaign_that_waits_for_a_second_person_needs_one(console: Console) -> None:
    console_server.add_campaign(console.ledger, "large", now=console.clock(), status=CampaignStatus.PAUSED)
    with console.ledger.writing() as db:
        db.execute(update(campaigns).values(pause_kind=PauseKind.SECOND_PERSON))
    assert "large-1 waits for a second person to start it" in needs_of(console)


def test_an_account_that_cannot_dial_is_named_once(console: Console) -> None:
    now = console.clock()
    for name in ("one", "two"):
        reason = {"status": CampaignStatus.PAUSED, "reason": "account bulk cannot dial: ip_not_whitelisted"}
        campaign = console_server.add_campaign(console.ledger, name, now=now, **reason)
        with console.ledger.writing() as db:
            db.execute(update(campaigns).values(pause_kind=PauseKind.HALTED))
            halt = {"account": "bulk", "since": now, "try_at": now, "times": 1}
            db.execute(insert(halts).values(campaign_id=campaign, **halt))
    needs = needs_of(console)
    assert needs.count("cannot dial") == 1
    assert "The account bulk cannot dial" in needs
    assert "ip not whitelisted" in needs
    assert "is paused" not in needs


@pytest.mark.parametrize(
    ("facts", "is_named"),
    [
        ({"next_at": timedelta(minutes=-20)}, True),  # nobody was there
        ({"last_at": timedelta(minutes=-5), "last_said": "missed: nobody was there"}, True),
        ({"last_at": timedelta(minutes=-5), "state": LaunchState.LAUNCHING}, False),
        ({"last_at": timedelta()}, False),  # its campaign was created at that moment
    ],
)
def test_a_schedule_that_started_nothing_needs_somebody(
    console: Console, facts: dict[str, object], is_named: bool
) -> None:
    now = console.clock()
    if facts.get("last_at") == timedelta():
        console_server.add_campaign(console.ledger, "daily", now=now)
    facts = {name: now + value if isinstance(value, timedelta) else value for name, value in facts.items()}
    console_server.add_campaign(console.ledger, "other", now=now)
    schedule(console, "daily", **facts)
    assert ("The schedule daily did not start its campaign" in needs_of(console)) is is_named


def test_running_campaigns_are_shown_whole_and_more_of_them_counted(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.pages.home.LIVE_SHOWN", 2)
    for name in ("a", "b", "c"):
        console_server.add_campaign(console.ledger, name, now=console.clock())
    page = console.http.get("/").text
    running = page[page.index('id="running"') : page.index('id="campaign-list"')]
    assert running.count('<article class="card campaign">') == 2
    assert "1 more is running" in text_of(running)


def test_campaigns_are_found_by_status_and_name_page_by_page(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.pages.home.LISTED", 2)
    now = console.clock()
    for age, name in enumerate(("newest", "middle", "oldest")):
        status = CampaignStatus.FINISHED if name != "newest" else CampaignStatus.PAUSED
        console_server.add_campaign(console.ledger, name, now=now - timedelta(days=age), status=status)
    assert rows_of(console) == ["newest-1", "middle-1"]
    older = re.search(r'rel="next" href="([^"]+)"', console.http.get("/").text)
    assert older
    assert rows_of(console, older[1].replace("&amp;", "&")) == ["oldest-1"]
    assert rows_of(console, "/?status=finished") == ["middle-1", "oldest-1"]
    assert rows_of(console, "/?name=LDES") == ["oldest-1"]
    assert rows_of(console, "/?name=%25") == []
    assert "No campaign is like this" in text_of(console.http.get("/?status=cancelled").text)
    assert console.http.get("/?name=" + "x" * 101).status_code == 422


def test_what_others_wrote_is_shown_as_text(console: Console) -> None:
    now = console.clock()
    console_server.add_campaign(console.ledger, now=now, status=CampaignStatus.PAUSED, reason=NASTY)
    schedule(console, NASTY, last_at=now, last_said=NASTY)
    page = console.http.get("/", params={"name": NASTY}).text
    assert NASTY not in page
    assert page.count("<script") == 1, "only our own"
