"""The pages: what an operator sees, and that the buttons do what they say."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import CampaignStatus, ContactStatus
from campaigns.operations.control import Action
from console.formatting import percent
from console.pages.rendering import flower_url, segments
from console.server.state import AppState
from dialer.phone import mask
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.statuses import as_contact
from workers.settings_sections import FlowerSettings

NASTY = "<script>alert('x')</script>"


@pytest.fixture
def reminder(console: Console) -> str:
    return console_server.add_campaign(console.ledger, now=console.clock(), phones=console_server.PHONES)


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_an_empty_ledger_says_how_to_begin(console: Console) -> None:
    assert "dialer start campaign.yaml" in console.http.get("/").text


def test_the_first_page_says_that_nothing_runs_that_could_dial(console: Console) -> None:
    long_ago = console.clock() - timedelta(hours=1)
    console_server.add_campaign(console.ledger, "alone", now=long_ago)
    assert "The dialer is not running" in text_of(console.http.get("/").text)


def test_a_campaigns_page_shows_statuses_outcomes_and_attempts(console: Console, reminder: str) -> None:
    first, _ = console_server.start_dialing(console.ledger, reminder, now=console.clock(), limit=2)
    at = "2026-12-01T15:00:01Z"
    console.deliver(console_server.notice("ANSWERED", "7519", call="call-1", attempt=first, at=at))
    page = text_of(console.http.get(f"/campaigns/{reminder}").text)
    assert f"2026-12-01 15:00:00 UTC {mask(console_server.PHONES[0])} 1 answered" in page
    assert f"{mask(console_server.PHONES[1])} 1 being called" in page
    assert "waiting waits for its next call 8 80%" in page


def test_the_page_names_the_account_to_which_a_campaign_goes_back_and_when(console: Console) -> None:
    keys, back = {"accounts": ["main", "bulk"], "account": "main", "return_after": "30m"}, {"account": "bulk"}
    returning = console_server.add_campaign(
        console.ledger, now=console.clock(), keys=keys, **back, returns_at=console.clock() + timedelta(minutes=30)
    )
    page = text_of(console.http.get(f"/campaigns/{returning}").text)
    assert "account bulk instead of main goes back to main at 2026-12-01 15:30:00 UTC" in page
    assert "if that answers until then" in page
    staying = console_server.add_campaign(console.ledger, "staying", now=console.clock(), keys=keys, **back)
    page = text_of(console.http.get(f"/campaigns/{staying}").text)
    assert ("account bulk instead of main" in page, "goes back" in page) == (True, False)


def test_the_page_counts_answers_by_text_and_those_that_were_soon_over(console: Console) -> None:
    keys = {
        "message": {"variants": {"formal": {"tts": "Good day."}, "short": {"tts": "Hi."}}},
        "retry": {"max_attempts": 2, "answered_short": {"under": "50%", "then": ["1h"]}},
    }
    campaign = console_server.add_campaign(console.ledger, now=console.clock(), phones=console_server.PHONES, keys=keys)
    called = console_server.start_dialing(console.ledger, campaign, now=console.clock(), limit=3)
    for number, (attempt, variant) in enumerate(zip(called, ("formal", "formal", "short"), strict=True)):
        with console.ledger.writing() as db:
            facts = {"variant": variant, "status": "ended", "outcome": "busy" if number else "answered"}
            facts |= {"ended_at": console.clock(), "conclude_at": None}
            db.execute(update(attempts).where(attempts.c.id == attempt).values(short=not number, **facts))
    page = text_of(console.http.get(f"/campaigns/{campaign}").text)
    assert "1 of the answered calls (100%) were over before enough was said" in page
    assert "text calls answered soon over formal 2 1 50% 1 short 1 0 0% 0" in page


def test_the_buttons_pause_resume_and_cancel_after_asking(console: Console, reminder: str) -> None:
    path = f"/campaigns/{reminder}"
    for page_path, action, status in (
        (path, "pause", "paused"),
        (path, "resume", "running"),
        (f"{path}/cancel", "cancel", "cancelled"),
    ):
        html = console.http.get(page_path).text
        found = re.search(rf'action="({path}/{action})">\s*<input type="hidden" name="token" value="(\w+)"', html)
        assert found
        reply = console.http.post(found[1], data={"token": found[2]}, headers={"origin": console.address})
        assert (reply.status_code, reply.headers["location"]) == (303, path)
        assert f'<span class="pill {status}">' in console.http.get(path).text
    html = console.http.get(path).text
    assert not [action for action in Action if f"{path}/{action}" in html], "it is over for good"


def test_before_cancelling_the_page_says_how_many_will_not_be_called(console: Console, reminder: str) -> None:
    console_server.start_dialing(console.ledger, reminder, now=console.clock(), limit=2)
    page = text_of(console.http.get(f"/campaigns/{reminder}/cancel").text)
    assert "8 contacts will not be called. Calls on the line now (2) go on to their end." in page


def test_a_button_of_an_old_page_is_told_that_it_is_too_late(console: Console, reminder: str) -> None:
    html = console.http.get(f"/campaigns/{reminder}").text
    token = html.partition('name="token" value="')[2].partition('"')[0]
    assert console.http.post(f"/campaigns/{reminder}/pause", data={"token": token}).status_code == 303
    reply = console.http.post(f"/campaigns/{reminder}/pause", data={"token": token})
    assert reply.status_code == 409
    assert "is paused and cannot be paused" in text_of(reply.text)
    assert console.http.get("/campaigns/reminder-1/cancel").status_code == 200


def test_what_others_wrote_is_shown_as_text(console: Console) -> None:
    now = console.clock()
    console_server.add_campaign(console.ledger, now=now, status=CampaignStatus.PAUSED, reason=NASTY)
    with console.ledger.writing() as db:
        db.execute(update(contacts).values(**as_contact(ContactStatus.REFUSED, now, reason=NASTY)))
    for path in ("/", "/campaigns/reminder-1", "/campaigns/%3Cscript%3E", "/%3Cscript%3E"):
        page = console.http.get(path).text
        assert NASTY not in page
        assert page.count("<script") == 1, "only our own"
    assert "&lt;script&gt;alert" in page or "there is nothing here" in page


def test_a_page_asks_nobody_else_for_anything(console: Console, reminder: str) -> None:
    for path in ("/", f"/campaigns/{reminder}"):
        page = console.http.get(path).text
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert loaded
        assert [one for one in loaded if not one.startswith("/") and ":5555/" not in one] == []
        assert "style=" not in page
        assert "onclick" not in page


@pytest.mark.parametrize(
    ("name", "kind"), [("console.css", "text/css"), ("console.js", "text/javascript"), ("icon.svg", "image/svg+xml")]
)
def test_the_pages_parts_are_served(console: Console, name: str, kind: str) -> None:
    reply = console.http.get(f"/assets/{name}")
    assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (200, kind)


@pytest.mark.parametrize("name", ["base.html", "..%2Fweb.py", "%2e%2e/web.py", "nothing"])
def test_no_other_file_is_served(console: Console, name: str) -> None:
    assert console.http.get(f"/assets/{name}").status_code == 404


def test_a_missing_campaign_is_a_page_that_leads_back(console: Console, reminder: str) -> None:
    reply = console.http.get("/campaigns/nobody-7")
    assert reply.status_code == 404
    assert "no campaign 'nobody-7'" in text_of(reply.text).replace("&#39;", "'")


@pytest.mark.parametrize(
    ("listens", "browser_asked", "link"),
    [
        ("127.0.0.1", "127.0.0.1", "http://127.0.0.1:5555/"),
        ("127.0.0.1", "localhost", "http://127.0.0.1:5555/"),
        ("127.0.0.1", "dialer.example", None),  # it could not reach it
        ("0.0.0.0", "dialer.example", "http://dialer.example:5555/"),  # noqa: S104
        ("::", "::1", "http://[::1]:5555/"),
        ("flower.example", "dialer.example", "http://flower.example:5555/"),
    ],
)
def test_the_link_to_flower_leads_where_this_browser_can_go(
    tmp_path, listens: str, browser_asked: str, link: str | None
) -> None:
    settings = console_server.settings(tmp_path, f"sqlite:///{tmp_path / 'ledger.sqlite3'}").model_copy(
        update={"flower": FlowerSettings(host=listens)}
    )
    assert flower_url(AppState(settings, lambda: None), browser_asked) == link


def test_a_campaigns_page_leads_to_its_own_tasks_in_flower(console: Console, reminder: str) -> None:
    page = console.http.get(f"/campaigns/{reminder}").text
    assert f'href="http://127.0.0.1:5555/tasks?name=dial%20kwargs%3Acampaign%3D{reminder}"' in page


def test_a_bar_has_a_part_for_each_final_status_and_those_on_the_line() -> None:
    parts = segments({ContactStatus.PENDING: 5, ContactStatus.REACHED: 3, ContactStatus.PLACED: 2})
    assert [(part.status, part.start, part.width) for part in parts] == [("reached", 0, 30), ("placed", 30, 20)]
    assert segments({}) == []


@pytest.mark.parametrize(
    ("count", "total", "said"),
    [(0, 0, "0%"), (0, 10, "0%"), (1, 1000, "<1%"), (999, 1000, ">99%"), (10, 10, "100%"), (1, 3, "33%")],
)
def test_a_share_is_never_rounded_to_nothing_or_to_all(count: int, total: int, said: str) -> None:
    assert percent(count, total) == said


def test_a_rehearsal_is_told_apart(console: Console) -> None:
    console_server.add_campaign(console.ledger, "rehearsed", now=console.clock(), rehearsal=True)
    console_server.add_campaign(console.ledger, "meant", now=console.clock())
    pill = '<span class="pill rehearsal">sandbox</span>'
    assert console.http.get("/").text.count(pill) == 2, "where it runs, and in the list"
    assert pill in console.http.get("/campaigns/rehearsed-1").text
    assert pill not in console.http.get("/campaigns/meant-1").text
    assert console.http.get("/api/v1/campaigns/rehearsed").json()["rehearsal"] is True
