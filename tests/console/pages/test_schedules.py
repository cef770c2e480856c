"""The pages of schedules: next runs, what became of the last, and pausing, running and removing one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from campaigns.launch.recurring import add, launch_due
from campaigns.launch.schedules import by_name
from tests.campaigns.launch.test_recurring import ACCOUNTS, MONDAY, NINE, end_all, written
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.html import NASTY, send, text_of, token_of

__all__ = ["written"]

PAGE = "/schedules/daily"


@pytest.fixture
def daily(console: Console, written) -> Path:
    """A campaign that recurs on weekdays at nine, New York's time; it is Monday, seven o'clock there."""
    console.clock.now = MONDAY
    file: Path = written("+14155550101,Ann")
    add(console.ledger, file, ACCOUNTS, who=NASTY, now=MONDAY)
    return file


def tick(console: Console, file: Path, now: datetime) -> list[str]:
    return launch_due(console.ledger, ACCOUNTS, rejects_folder=file.parent / "reports", now=now)


def test_without_a_schedule_the_page_says_how_to_add_one(console: Console) -> None:
    assert "dialer schedule add campaign.yaml" in console.http.get("/schedules").text


def test_next_and_last_runs_are_shown_with_their_campaigns(console: Console, daily: Path) -> None:
    listed = console.http.get("/schedules").text
    assert "daily 2026-11-30 14:00:00 UTC" in text_of(listed)
    assert NASTY not in listed
    assert "It has not been launched yet." in text_of(console.http.get(PAGE).text)
    assert tick(console, daily, NINE) == ["daily-1"]
    assert tick(console, daily, NINE + timedelta(days=1)) == []
    html = console.http.get(PAGE).text
    page = text_of(html)
    assert NASTY not in html
    assert "Next runs 2026-11-30 14:00:00 UTC 2026-12-01 14:00:00 UTC" in page, "by the console's clock, not yet nine"
    assert page.index("not launched: ") < page.index("launched daily-1: 1 contact"), "the latest first"
    assert '<a href="/campaigns/daily-1">' in html


def test_a_paused_schedule_lets_its_hours_pass_until_it_is_resumed(console: Console, daily: Path) -> None:
    for _ in range(2):  # as after a double click
        assert (
            console.http.post(f"{PAGE}/pause", data={"token": token_of(console.http.get(PAGE).text)}).headers[
                "location"
            ]
            == f"{PAGE}?done=paused"
        )
    assert "its hours pass without a launch." in text_of(console.http.get(PAGE).text)
    assert "paused" in text_of(console.http.get("/schedules").text)
    assert tick(console, daily, NINE) == []
    console.clock.now = NINE + timedelta(hours=1)
    assert send(console.http, PAGE, f"{PAGE}/resume").status_code == 303
    assert tick(console, daily, NINE + timedelta(hours=1)) == [], "what has passed is not made up for"
    assert tick(console, daily, NINE + timedelta(days=1)) == ["daily-1"]
    assert [len(console_server.audit_rows(console.ledger, f"schedule {act}")) for act in ("paused", "resumed")] == [
        1,
        1,
    ]


def test_run_now_launches_once_and_leaves_the_hours_as_they_are(console: Console, daily: Path) -> None:
    token = token_of(console.http.get(PAGE).text)
    for _ in range(2):
        assert console.http.post(f"{PAGE}/run", data={"token": token}).status_code == 303
    assert "being launched" in text_of(console.http.get("/schedules").text)
    assert tick(console, daily, MONDAY + timedelta(seconds=1)) == ["daily-1"]
    assert tick(console, daily, MONDAY + timedelta(seconds=2)) == []
    end_all(console.ledger)
    assert by_name(console.ledger, "daily").next_at == NINE
    assert tick(console, daily, NINE) == ["daily-2"]


def test_a_paused_schedule_can_be_run_now(console: Console, daily: Path) -> None:
    assert send(console.http, PAGE, f"{PAGE}/pause").status_code == 303
    assert send(console.http, PAGE, f"{PAGE}/run").status_code == 303
    assert tick(console, daily, MONDAY + timedelta(seconds=1)) == ["daily-1"]
    assert tick(console, daily, NINE) == []


def test_before_a_removal_the_page_says_what_goes_on(console: Console, daily: Path) -> None:
    page = console.http.get(f"{PAGE}/remove").text
    assert "Campaigns that it has started go on." in page
    for location in ("/schedules?done=removed", "/schedules"):
        reply = console.http.post(f"{PAGE}/remove", data={"token": token_of(page)})
        assert (reply.status_code, reply.headers["location"]) == (303, location)
    assert console.http.get(PAGE).status_code == 404
    assert console.http.post(f"{PAGE}/run", data={"token": token_of(page)}).status_code == 404


def test_a_file_that_is_gone_is_named(console: Console, daily: Path) -> None:
    daily.unlink()
    page = console.http.get(PAGE)
    assert page.status_code == 200
    assert "daily.yaml" in page.text
    assert send(console.http, PAGE, f"{PAGE}/pause").status_code == 303
    assert send(console.http, PAGE, f"{PAGE}/resume").status_code == 422


def test_the_api_pauses_resumes_and_runs(console: Console, daily: Path) -> None:
    headers = {"X-Dialer": "1"}
    paused = console.http.post("/api/v1/schedules/daily/pause", headers=headers).json()
    assert datetime.fromisoformat(paused["paused_at"]).astimezone(UTC) == MONDAY
    assert console.http.post("/api/v1/schedules/daily/resume", headers=headers).json()["paused_at"] is None
    assert console.http.post("/api/v1/schedules/daily/run", headers=headers).json()["asked_at"] is not None
    assert console.http.post("/api/v1/schedules/nobody/run", headers=headers).status_code == 404
