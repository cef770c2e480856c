"""The JSON API: the same facts as the command line, masked, and the three things an operator may do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from campaigns.ledger.tables import audit, contacts
from campaigns.lifecycle import CampaignStatus, ContactStatus
from dialer.phone import mask
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.statuses import as_contact


@pytest.fixture
def reminder(console: Console) -> str:
    return console_server.add_campaign(console.ledger, now=console.clock(), phones=console_server.PHONES)


def test_a_campaign_is_told_with_its_reasons_and_aware_times(console: Console) -> None:
    now = console.clock()
    held = {"held_by": "pace", "hold_kind": "bucket_empty", "held_until": now + timedelta(seconds=30)}
    console_server.add_campaign(console.ledger, now=now, **held)
    told = console.http.get("/api/v1/campaigns/reminder-1").json()
    assert told["why"] == "held by a limit: pace"
    assert told["held_by"] == "pace"
    assert told["held_until"] == told["clears_at"] == "2026-12-01T15:00:30Z"
    assert told["started_at"] == "2026-12-01T15:00:00Z"
    assert (told["contacts"], told["final"], told["by_status"]) == (3, 0, {"pending": 3})


def test_outcomes_and_open_calls_are_counted(console: Console, reminder: str) -> None:
    first, second = console_server.start_dialing(console.ledger, reminder, now=console.clock(), limit=2)
    at = "2026-12-01T15:00:01Z"
    console.deliver(console_server.notice("ANSWERED", "7519", call="call-1", attempt=first, at=at))
    told = console.http.get("/api/v1/campaigns/reminder-1").json()
    assert (told["in_progress"], told["attempts"], told["due_now"]) == (2, 1, 8)
    assert told["by_status"] == {"pending": 8, "dialing": 1, "placed": 1}
    assert str(second) not in str(told)


def test_campaigns_come_newest_first_page_by_page(console: Console) -> None:
    now = console.clock()
    ended = {"status": CampaignStatus.FINISHED, "reason": "every contact is final"}
    for age, name in enumerate(["newest", "going", "oldest"]):
        facts = ended if name != "going" else {}
        console_server.add_campaign(console.ledger, name, now=now - timedelta(hours=age), **facts)  # type: ignore[arg-type]
    assert [item["campaign"] for item in pages(console, "/api/v1/campaigns?limit=1")] == [
        *("newest-1", "going-1", "oldest-1")
    ]
    over = [item["campaign"] for item in pages(console, "/api/v1/campaigns?status=finished&limit=1")]
    assert over == ["newest-1", "oldest-1"]


def pages(console: Console, path: str) -> list[dict[str, Any]]:
    """All items of a list, which is read page by page."""
    items: list[dict[str, Any]] = []
    page = console.http.get(path).json()
    while page["next"]:
        items += page["items"]
        page = console.http.get(path, params=httpx.URL(path).params.merge({"after": page["next"]})).json()
    return items + page["items"]


def test_contacts_come_page_by_page_each_once(console: Console, reminder: str) -> None:
    seen = [item["phone"] for item in pages(console, f"/api/v1/campaigns/{reminder}/contacts?limit=4")]
    assert seen == [mask(phone) for phone in console_server.PHONES]


def test_attempts_come_latest_first_page_by_page(console: Console, reminder: str) -> None:
    ids = []
    for _ in range(3):
        ids += console_server.start_dialing(console.ledger, reminder, now=console.clock(), limit=2)
        console.clock.forward(1)
    shown = pages(console, f"/api/v1/campaigns/{reminder}/attempts?limit=2")
    assert sorted(item["id"] for item in shown) == sorted(map(str, ids))
    assert [item["at"] for item in shown] == sorted((item["at"] for item in shown), reverse=True)
    (of_one,) = pages(console, f"/api/v1/campaigns/{reminder}/attempts?contact={shown[0]['contact']}")
    assert of_one == shown[0]


def test_contacts_can_be_asked_for_by_status(console: Console, reminder: str) -> None:
    with console.ledger.writing() as db:
        reason = f"7102: {console_server.PHONES[0]} is no number"
        facts = as_contact(ContactStatus.REFUSED, console.clock(), reason=reason)
        db.execute(update(contacts).where(contacts.c.phone == console_server.PHONES[0]).values(**facts))
    page = console.http.get(f"/api/v1/campaigns/{reminder}/contacts?status=refused").json()
    assert [(one["status"], one["line"]) for one in page["items"]] == [("refused", 2)]
    assert page["items"][0]["reason"] == f"7102: {mask(console_server.PHONES[0])} is no number"
    assert page["next"] is None


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("status=sleeping", "status"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("after=WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDBd", "after"),
        ("after=WyIxIl0", "after"),
        ("after=x", "after"),
    ],
)
def test_a_wrong_parameter_is_named(console: Console, reminder: str, query: str, named: str) -> None:
    reply = console.http.get(f"/api/v1/campaigns/{reminder}/contacts?{query}")
    assert reply.status_code == 422
    assert reply.json()["detail"].startswith(named)
    assert reply.json()["remedy"]


def test_pause_resume_and_cancel_take_effect_and_leave_a_line(console: Console, reminder: str) -> None:
    for action, status in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        reply = console.http.post(f"/api/v1/campaigns/{reminder}/{action}", json={})
        assert (reply.status_code, reply.json()["status"]) == (200, status)
    assert reply.json()["by_status"] == {"cancelled": 10}
    with console.ledger.reading() as db:
        lines = db.execute(select(audit.c.who, audit.c.event).order_by(audit.c.id)).all()
    assert lines == [
        ("operator", "campaign paused"),
        ("operator", "campaign running"),
        ("operator", "campaign cancelled"),
    ]


def test_a_move_that_its_status_does_not_allow_is_a_conflict_with_a_remedy(console: Console, reminder: str) -> None:
    reply = console.http.post(f"/api/v1/campaigns/{reminder}/resume", json={})
    assert reply.status_code == 409
    assert reply.json()["detail"] == "campaign reminder-1 is running and cannot be resumed"
    assert reply.json()["remedy"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/contacts"), ("POST", "/pause")],
)
def test_a_campaign_that_is_not_there_is_said_to_be_missing(
    console: Console, reminder: str, method: str, path: str
) -> None:
    reply = console.http.request(method, f"/api/v1/campaigns/nobody-7{path}", headers={"x-dialer": "1"})
    assert reply.status_code == 404
    assert "nobody-7" in reply.json()["detail"]
    assert reminder in reply.json()["remedy"]


def test_what_is_not_there_or_not_meant_is_refused_in_the_same_words(console: Console, reminder: str) -> None:
    for reply in (
        console.http.get("/api/nothing"),
        console.http.post(f"/api/v1/campaigns/{reminder}/explode", json={}),
        console.http.put("/api/v1/campaigns", json={}),
    ):
        assert reply.status_code in (404, 405)
        assert set(reply.json()) == {"type", "title", "status", "detail", "remedy", "faults"}
        assert reply.headers["content-type"] == "application/problem+json"


def test_a_reply_that_would_say_the_same_is_not_sent_again(console: Console, reminder: str) -> None:
    at = f"/api/v1/campaigns/{reminder}"
    seen = console.http.get(at).headers["etag"]
    again = console.http.get(at, headers={"If-None-Match": f'"other", W/{seen}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", seen)
    assert console.http.post(f"{at}/pause", json={}, headers={"If-Match": seen}).status_code == 200, "no other status"
    changed = console.http.get(at, headers={"If-None-Match": seen})
    assert (changed.status_code, changed.json()["status"]) == (200, "paused")
    contacts = console.http.get(f"{at}/contacts").json()["items"]
    story = f"{at}/contacts/{contacts[0]['id']}"
    seen = console.http.get(story).headers["etag"]
    console.clock.forward(1)
    assert console.http.get(story, headers={"If-None-Match": seen}).status_code == 304, "only a clock has gone on"
