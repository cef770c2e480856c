"""A campaign with a long list is started by a worker: once, with its progress told, whatever is killed or stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from campaigns.launch import draft_writer
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.reading_notes import ReadingNote, note_under_way
from campaigns.ledger import queries
from console.server.state import AppState
from dialer.sandbox.running import running
from tests.console.api.test_drafts import YAML, carry_out, killed_while_reading, send, waiting
from tests.console.conftest import Console
from tests.support import preloaded
from tests.support.dialers import webex

CONTACTS = 60
ROWS = "phone,name\n+1,Nobody\n" + "".join(f"+1303555{100 + number:04d},{'Ann' * 20}\n" for number in range(CONTACTS))
CHILD = """
import sys
from pathlib import Path
from campaigns.launch import draft_writer
from campaigns.launch.drafts import file_drafts, readings
from campaigns.launch.drafts.reading_notes import note_under_way
from campaigns.ledger.store import Ledger
from tests.support import console_server
from workers.clock import now_utc
from workers.list_readings import list_readings

readings.NOTED_EVERY, draft_writer.ADDED_AT_ONCE = 0.0, 10
ledger, data_folder = Ledger(sys.argv[1]), Path(sys.argv[2])
draft = file_drafts.find(data_folder, sys.argv[3])

def wait() -> bool:
    note = note_under_way(draft)
    if note.begun is not None and note.rows_read > 30:
        print("writing", flush=True)
        sys.stdin.read()
    return False

settings = console_server.settings(data_folder, sys.argv[1])
readings.carry_out_reading(data_folder, draft.id, list_readings(settings, ledger), clock=now_utc, stopping=wait)
"""


@dataclass(frozen=True)
class LongStart:
    """A draft with a long list, and what stands at its addresses."""

    console: Console
    draft: str

    @property
    def at(self) -> str:
        return f"/api/v1/campaigns/{self.draft}/start"

    @property
    def folder(self) -> Path:
        return self.console.state.settings.data_dir / "drafts" / self.draft

    def press(self, **order: Any) -> httpx.Response:
        return self.console.http.post(self.at, json={"skip_rejects": True, **order})

    def state(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.console.http.get(self.at).json()
        return shown

    def note(self) -> ReadingNote:
        note = note_under_way(file_drafts.find(self.console.state.settings.data_dir, self.draft))
        assert note is not None
        return note

    def campaigns(self) -> list[tuple[str, str, int]]:
        with self.console.ledger.reading() as db:
            return [(each.id, each.status.value, each.contacts) for each in queries.all_campaigns(db)]


@pytest.fixture(scope="module")
def shared_console(filed_console: Console) -> Console:
    """What a reading leaves is in files; the start itself is tested on both stores elsewhere."""
    return filed_console


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with running() as server:
        yield server.base_url("webex")


@pytest.fixture
def long_start(
    console: Console, sandbox: str, long_lists: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LongStart]:
    """Its account can log in; its contacts are written ten at a time."""
    monkeypatch.setattr(draft_writer, "ADDED_AT_ONCE", 10)
    state: AppState = console.state
    before = state.settings
    state.settings = before.model_copy(update={"accounts": {**before.accounts, "bulk": webex(sandbox)}})
    draft = send(console, YAML, ROWS.encode()).json()["id"]
    yield LongStart(console, draft)
    state.settings = before


def test_it_is_started_once_however_often_it_is_asked_for(long_start: LongStart) -> None:
    first, second = long_start.press(), long_start.press()
    assert [(reply.status_code, reply.headers["location"]) for reply in (first, second)] == [(202, long_start.at)] * 2
    assert first.json() == second.json()
    assert (first.json()["state"], first.json()["campaign"]) == ("waiting", None)
    other = long_start.press(skip_rejects=False)
    assert (other.status_code, other.json()["type"]) == (409, "urn:dialer:being-read")
    seen: list[tuple[str, int, list[str]]] = []

    def look() -> bool:
        if long_start.note().rows_read in {0, 30}:
            state = long_start.state()
            seen.append((state["state"], state["rows_read"], [status for _, status, _ in long_start.campaigns()]))
        return False

    console = long_start.console
    assert waiting(console) == [long_start.draft]
    carry_out(console, long_start.draft, stopping=look)
    assert seen == [("reading", 0, []), ("reading", 30, ["draft"])], "its contacts are entered while it is read"
    done = long_start.state()
    assert (done["state"], done["campaign"], done["problem"]) == ("done", "visit-1", None)
    assert long_start.campaigns() == [("visit-1", "running", CONTACTS)]
    assert (long_start.press().json()["type"], waiting(console)) == ("urn:dialer:already-started", [])
    assert list(long_start.folder.glob("list.*")) == [], "its contacts are in the ledger"


def test_a_worker_killed_with_kill_9_while_it_writes_leaves_a_start_that_another_takes_up(
    long_start: LongStart,
) -> None:
    console = long_start.console
    long_start.press()
    arguments = (console.ledger.url, str(console.state.settings.data_dir), long_start.draft)
    assert waiting(console) == [long_start.draft]
    with preloaded.begun("-c", CHILD, *arguments) as (_, said):
        assert said.readline() == "writing\n"
        assert (long_start.state()["state"], waiting(console)) == ("reading", [])
    ((_, status, written),) = long_start.campaigns()
    assert (status, 0 < written < CONTACTS) == ("draft", True), "nobody of it is called"
    assert waiting(console) == [long_start.draft]
    carry_out(console, long_start.draft)
    assert long_start.campaigns() == [("visit-1", "running", CONTACTS)], "what was left of the first is gone"


def test_a_campaign_that_runs_is_not_started_again_by_whoever_takes_its_start_up(long_start: LongStart) -> None:
    """The first worker is killed between the start in the ledger and the note of it beside the draft."""
    console, notes = long_start.console, [""]
    under_way, about = long_start.folder / "reading.json", long_start.folder / "about.json"
    not_started = about.read_text()

    def look() -> bool:
        notes.append(under_way.read_text())
        return False

    long_start.press(again=True)
    carry_out(console, long_start.draft, stopping=look)
    about.write_text(not_started)
    under_way.write_text(notes[-1])
    assert waiting(console) == [long_start.draft]
    carry_out(console, long_start.draft)
    assert long_start.campaigns() == [("visit-1", "running", CONTACTS)]
    assert (long_start.state()["state"], long_start.state()["campaign"]) == ("done", "visit-1")


def test_it_is_stopped_before_and_while_a_worker_has_it_and_can_be_started_again(long_start: LongStart) -> None:
    console = long_start.console
    stop = {"headers": {"X-Dialer": "1"}}
    long_start.press()
    stopped = console.http.delete(long_start.at, **stop)
    assert (stopped.status_code, stopped.json()["problem"]["detail"]) == (202, "operator has stopped it")
    long_start.press()

    def press_stop() -> bool:
        if long_start.note().begun is not None:
            console.http.delete(long_start.at, **stop)
        return False

    carry_out(console, long_start.draft, stopping=press_stop)
    assert (long_start.state()["state"], long_start.campaigns()) == ("failed", [])
    long_start.press()
    carry_out(console, long_start.draft)
    assert long_start.campaigns() == [("visit-1", "running", CONTACTS)]


def test_a_campaign_that_is_cancelled_while_its_contacts_are_written_is_not_started(long_start: LongStart) -> None:
    console = long_start.console

    def cancel() -> bool:
        if long_start.note().rows_read == 30:
            for campaign, _, _ in long_start.campaigns():
                assert console.http.post(f"/api/v1/campaigns/{campaign}/cancel", json={}).status_code == 200
        return False

    long_start.press()
    carry_out(console, long_start.draft, stopping=cancel)
    failed = long_start.state()
    assert (failed["state"], failed["problem"]["type"]) == ("failed", "urn:dialer:draft-gone")
    assert [status for _, status, _ in long_start.campaigns()] == ["cancelled"]


def test_a_draft_that_is_removed_while_it_is_started_becomes_no_campaign(long_start: LongStart) -> None:
    console = long_start.console

    def remove() -> bool:
        if long_start.note().rows_read == 30:
            console.http.delete(f"/api/v1/drafts/{long_start.draft}", headers={"X-Dialer": "1"})
        return False

    long_start.press()
    carry_out(console, long_start.draft, stopping=remove)
    assert (long_start.campaigns(), long_start.press().status_code) == ([], 404)


def test_what_does_not_allow_it_is_refused_at_once_or_told_when_the_list_was_read(long_start: LongStart) -> None:
    console = long_start.console
    long_start.press(skip_rejects=False)
    carry_out(console, long_start.draft)
    failed = long_start.state()
    assert (failed["state"], failed["problem"]["type"]) == ("failed", "urn:dialer:rows-rejected")
    assert console.http.post(long_start.at.replace("start", "check"), json={}).status_code == 202
    killed_while_reading(console, long_start.draft)
    assert long_start.press().json()["type"] == "urn:dialer:being-read", "its check is taken up again first"
    carry_out(console, long_start.draft)
    console.state.settings = console.state.settings.model_copy(update={"accounts": {}})
    refused = long_start.press()
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:dialer:definition-faults")
    assert long_start.state()["state"] == "failed", "it was not asked for again"


def test_a_long_plan_is_made_by_a_worker(long_start: LongStart) -> None:
    console, at = long_start.console, long_start.at.replace("start", "plan")
    assert console.http.get(at).json()["type"] == "urn:dialer:no-reading"
    asked = console.http.post(at, json={})
    assert (asked.status_code, asked.headers["location"], asked.json()["plan"]) == (202, at, None)
    carry_out(console, long_start.draft)
    made = console.http.get(at).json()
    assert (made["state"], made["plan"]["will_dial"], made["plan"]["account_now"]["known"]) == ("done", CONTACTS, False)
    assert file_drafts.find(console.state.settings.data_dir, long_start.draft).started is None
