"""The last step of a new campaign: rehearsed, tried on oneself, started once, started later, started by a schedule."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest

from campaigns.launch import schedules
from campaigns.launch.drafts import readings
from campaigns.launch.drafts.rehearsal_notes import rehearsals_to_carry_out
from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.lifecycle import CampaignStatus, PauseKind
from campaigns.operations import people
from campaigns.operations.people import Role
from console.server.state import AppState
from console.web.app import create_app
from dialer.phone import mask
from dialer.sandbox.running import running
from tests.support import console_server
from tests.support.dialers import callgear
from tests.support.fixtures import HandSetClock
from tests.support.html import send, text_of, token_of
from tests.support.ledger_copies import migrated
from tests.support.new_campaigns import begun, checked, fill_in, kept, prepared, seen_of, started, workbook
from workers.list_readings import list_readings
from workers.rehearsal.__main__ import carry_out

TEST_NUMBER = "+14155550199"


@dataclass(frozen=True)
class Console:
    http: httpx.Client
    ledger: Ledger
    state: AppState
    address: str

    def campaigns(self) -> list[Campaign]:
        with self.ledger.reading() as db:
            return queries.all_campaigns(db)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running() as sandbox:
        yield sandbox.base_url("callgear")


@pytest.fixture
def console(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console whose account `bulk` is in earnest, as far as it knows, and whose account `practice` is a sandbox."""
    folder = tmp_path_factory.mktemp("console")
    settings = console_server.settings(folder, migrated(folder / "ledger.sqlite3"))
    accounts = {"bulk": callgear(address), "practice": callgear(address, sandbox=True)}
    settings = settings.model_copy(update={"accounts": accounts, "test_numbers": (TEST_NUMBER,)})
    app = create_app(settings, HandSetClock())
    with console_server.serving(app) as at, console_server.client(at) as http:
        state = app.state.state
        yield Console(http=http, ledger=state.ledger, state=state, address=at)


def test_the_whole_way_from_a_messy_workbook_to_a_running_campaign(console: Console) -> None:
    draft = begun(console, workbook())
    assert fill_in(console, f"{draft}/columns").headers["location"] == f"{draft}/message"
    text = "Dear {{ first_name }}, see you on {{ day }}."
    assert fill_in(console, f"{draft}/message", tts=text).headers["location"] == f"{draft}/settings"
    saved = fill_in(console, f"{draft}/settings", account="bulk", caller_id=console_server.CALLER)
    assert saved.headers["location"] == f"{draft}/check"
    assert "3 cannot be called" in text_of(checked(console, draft))
    assert "3 people are called" in text_of(console.http.get(f"{draft}/plan").text)
    page = text_of(console.http.get(f"{draft}/start").text)
    assert "bulk will call 3 people." in page
    assert "First call" in page
    refused = started(console, draft)
    assert (refused.status_code, "without these rows" in text_of(refused.text)) == (422, True)
    reply = started(console, draft, skip="on", warned="on")
    (campaign,) = console.campaigns()
    assert reply.headers["location"] == f"/campaigns/{campaign.id}"
    assert (campaign.status, campaign.contacts, campaign.rejects, campaign.rehearsal) == (
        *(CampaignStatus.RUNNING, 3, 3, False),
    )
    assert console.http.get(f"{draft}/columns").headers["location"] == f"/campaigns/{campaign.id}"
    assert "None yet" in console.http.get("/new").text


def ready(console: Console) -> str:
    """A draft that can be started."""
    draft = prepared(console)
    checked(console, draft)
    return draft


def test_a_double_click_starts_one_campaign_and_shows_it_twice(console: Console) -> None:
    draft = ready(console)
    page = console.http.get(f"{draft}/start").text
    data = {"token": token_of(page), "seen": seen_of(page), "when": "now", "warned": "on"}

    def press(_: int) -> httpx.Response:
        with console_server.client(console.address) as http:
            return http.post(f"{draft}/start", data=data)

    with ThreadPoolExecutor(2) as browsers:
        replies = list(browsers.map(press, range(2)))
    (campaign,) = console.campaigns()
    assert {reply.headers.get("location") for reply in replies} == {f"/campaigns/{campaign.id}"}


def test_a_long_list_is_planned_and_started_by_a_worker_and_the_pages_say_how_far_it_is(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = ready(console)
    monkeypatch.setattr(readings, "AT_ONCE_BYTES", 100)
    monkeypatch.setattr(readings, "NOTED_EVERY", 0.0)
    settings, clock = console.state.settings, console.state.clock
    seen: list[str] = []

    def carry_out_reading(step: str) -> None:
        def look() -> bool:
            seen.append(text_of(console.http.get(f"{draft}/{step}").text))
            return False

        (draft_id,) = readings.unfinished_readings(settings.data_dir, clock())
        purposes = list_readings(settings, console.ledger)
        readings.carry_out_reading(settings.data_dir, draft_id, purposes, clock=clock, stopping=look)

    assert send(console.http, f"{draft}/plan", f"{draft}/plan", {}).headers["location"] == f"{draft}/plan"
    assert "The plan is being made…" in text_of(console.http.get(f"{draft}/plan").text)
    carry_out_reading("plan")
    assert "people are called" in text_of(console.http.get(f"{draft}/plan").text)
    assert started(console, draft, warned="on").headers["location"] == f"{draft}/start"
    carry_out_reading("start")
    assert seen
    assert all("rows read" in page for page in seen), "of the plan, and of the start, which enters contacts meanwhile"
    (campaign,) = console.campaigns()
    assert console.http.get(f"{draft}/start").headers["location"] == f"/campaigns/{campaign.id}"


def test_a_start_that_is_stopped_says_who_has_stopped_it(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = ready(console)
    monkeypatch.setattr(readings, "AT_ONCE_BYTES", 100)
    started(console, draft, warned="on")
    assert send(console.http, f"{draft}/start", f"{draft}/stop", {}).headers["location"] == f"{draft}/start"
    assert "has stopped it" in text_of(console.http.get(f"{draft}/start").text)
    assert console.campaigns() == []


def test_nothing_is_started_that_was_not_seen_or_not_checked(console: Console) -> None:
    draft = prepared(console)
    assert "has to be checked" in text_of(console.http.get(f"{draft}/start").text)
    checked(console, draft)
    page = console.http.get(f"{draft}/start").text
    fill_in(console, f"{draft}/message", tts="Another text.")
    checked(console, draft)
    old = {"token": token_of(page), "seen": seen_of(page), "when": "now", "warned": "on"}
    reply = console.http.post(f"{draft}/start", data=old)
    assert (reply.status_code, "has changed since" in text_of(reply.text)) == (422, True)
    assert console.campaigns() == []


def test_a_campaign_waits_for_the_moment_that_was_chosen(console: Console) -> None:
    draft = ready(console)
    refused = started(console, draft, when="later", warned="on")
    assert "write the day and the time" in text_of(refused.text)
    reply = started(console, draft, when="later", at="2026-12-02T09:00", warned="on")
    (campaign,) = console.campaigns()
    assert reply.headers["location"] == f"/campaigns/{campaign.id}"
    assert campaign.starts_at is not None
    assert campaign.starts_at > console.state.clock()


def test_a_campaign_of_a_name_that_still_runs_is_refused_in_words_of_the_page(console: Console) -> None:
    assert started(console, ready(console), warned="on").status_code == 303
    reply = started(console, ready(console), warned="on")
    assert reply.status_code == 409
    assert "recall-march-1 has not ended yet – wait for its end" in text_of(reply.text)


def test_a_large_start_waits_for_a_second_person(console: Console) -> None:
    strict = console.state.settings.console.model_copy(update={"second_person_above": 2})
    console.state.settings = console.state.settings.model_copy(update={"console": strict})
    draft = ready(console)
    assert "after a second person has confirmed" in text_of(console.http.get(f"{draft}/start").text)
    assert started(console, draft, warned="on").status_code == 303
    (campaign,) = console.campaigns()
    assert (campaign.status, campaign.pause_kind) == (CampaignStatus.PAUSED, PauseKind.SECOND_PERSON)


def test_a_rehearsal_is_asked_for_and_shown_beside_the_plan(console: Console) -> None:
    """A tick hands it to a worker, which carries it out in a process of its own: here it is this one."""
    draft, settings = ready(console), console.state.settings
    skipped = send(console.http, f"{draft}/start", f"{draft}/rehearse", {"begins": "2020-03-28T02:30"})
    assert skipped.status_code == 422
    assert "has passed" in text_of(skipped.text)
    assert send(console.http, f"{draft}/start", f"{draft}/rehearse", {}).headers["location"] == f"{draft}/start"
    assert "It begins…" in text_of(console.http.get(f"{draft}/start").text)
    folder, now = settings.data_dir, console.state.clock()
    (draft_id,) = rehearsals_to_carry_out(folder, now)
    assert rehearsals_to_carry_out(folder, now) == [], "a worker has it"
    carry_out(draft_id, settings)
    page = text_of(console.http.get(f"{draft}/start").text)
    for words in ("Plan, about", "Within the odds", "Rehearsed", "Rehearse again"):
        assert words in page
    asked = f"/api/v1/campaigns/{draft_id}/rehearse"
    shown = console.http.get(asked).json()
    assert (shown["state"], shown["result"]["contacts"], shown["problem"]) == ("done", 3, "")
    again = console.http.post(asked, json={"at": "2035-03-12T09:00Z", "seed": 5})
    assert (again.status_code, again.json()["state"], again.json()["seed"]) == (202, "waiting", 5)
    assert kept(console, draft).started is None
    assert console.campaigns() == []


def test_a_test_number_hears_what_one_person_would(console: Console) -> None:
    draft = ready(console)
    assert mask(TEST_NUMBER) in console.http.get(f"{draft}/start").text
    reply = send(console.http, f"{draft}/start", f"{draft}/test-call", {"number": "0", "line": "3"})
    (campaign,) = console.campaigns()
    assert reply.headers["location"] == f"/campaigns/{campaign.id}"
    assert (campaign.name, campaign.contacts) == ("recall-march-test", 1)
    for fields in ({"number": "7"}, {"number": "0", "line": "x"}):
        assert send(console.http, f"{draft}/start", f"{draft}/test-call", fields).status_code == 422
    nobody = send(console.http, f"{draft}/start", f"{draft}/test-call", {"number": "0", "line": "99"})
    assert "no row begins in line 99" in text_of(nobody.text)


def test_a_schedule_launches_the_draft_again_and_again(console: Console) -> None:
    draft = ready(console)
    assert f"{draft}/repeat" in console.http.get(f"{draft}/start").text
    assert send(console.http, f"{draft}/repeat", f"{draft}/repeat", {"time": "09:30"}).status_code == 422
    page = console.http.get(f"{draft}/repeat").text
    data = {"token": token_of(page), "seen": seen_of(page), "time": "09:30", "day-1": "on", "day-5": "on"}
    assert console.http.post(f"{draft}/repeat", data=data).status_code == 303
    (schedule,) = schedules.listed(console.ledger)
    assert (schedule.name, schedule.next_at is not None) == ("recall-march", True)
    assert kept(console, draft).scheduled
    assert console.http.post(f"{draft}/remove", data={"token": token_of(page)}).status_code == 409
    assert "30 9 * * 1,5" in kept(console, draft).file.read_text("utf-8")
    assert "This campaign is launched by itself." in text_of(console.http.get(f"{draft}/start").text)


def test_a_schedule_says_all_that_a_campaign_file_can_and_shows_its_next_runs_first(console: Console) -> None:
    draft = ready(console)
    fields = {"by": "cron", "cron": "0 9 1,2 12 *", "holidays": "2027-12-01, US-CA", "missed": "once"}
    page = console.http.get(f"{draft}/repeat").text
    data = {"token": token_of(page), "seen": seen_of(page), **fields, "end": "2029-01-01T00:00"}
    shown = console.http.post(f"{draft}/repeat", data={**data, "preview": "1"})
    assert shown.status_code == 200
    moments = re.findall(r'<time datetime="([^"]+)', shown.text[shown.text.index('id="ahead"') :])
    assert {"2026-12-02", "2027-12-01", "2027-12-02"} <= {moment[:10] for moment in moments}
    assert "people are called from" in text_of(shown.text), "the second of them is on a holiday"
    assert schedules.listed(console.ledger) == []
    assert console.http.post(f"{draft}/repeat", data=data).status_code == 303
    text = kept(console, draft).file.read_text("utf-8")
    for line in ("repeat: 0 9 1,2 12 *", "missed: once", "US-CA", "2029-01-01"):
        assert line in text
    again = console.http.get(f"{draft}/repeat").text
    assert 'value="0 9 1,2 12 *"' in again
    assert "2026-12-02" in again


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"by": "cron", "cron": "0 9 * *"}, "has 4 fields"),
        ({"by": "cron", "cron": "0 9 * * mon-xyz"}, "is not a time to repeat at"),
        ({"by": "cron", "cron": "*/7 * * * *", "holidays": "Narnia"}, "Narnia"),
        ({"by": "cron", "cron": ""}, "choose at least one day, and a time"),
        ({"by": "cron", "cron": "<b>x</b>"}, "&lt;b&gt;x&lt;/b&gt;"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_at_its_field(console: Console, fields: dict[str, str], says: str) -> None:
    draft = ready(console)
    refused = send(console.http, f"{draft}/repeat", f"{draft}/repeat", fields)
    assert refused.status_code == 422
    assert says in refused.text.replace("&#34;", '"')
    assert schedules.listed(console.ledger) == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_who_may_not_start_is_shown_no_button_and_refused(console: Console, role: Role) -> None:
    draft = ready(console)
    people.add(console.ledger, "pat", [role], "a long pass phrase", who="test", now=console.state.clock())
    header = base64.b64encode(b"pat:a long pass phrase").decode()
    with console_server.client(console.address, known=False, headers={"Authorization": f"Basic {header}"}) as http:
        page = http.get(f"{draft}/start")
        assert page.status_code == (403 if role is Role.VIEWER else 200)
        assert "Start the campaign" not in page.text
        token = token_of(http.get(f"{draft}/check").text)
        assert http.post(f"{draft}/start", data={"token": token}).status_code == 403
    assert console.campaigns() == []
