"""A long list is appended by a worker: once however often it is sent, with its progress told, and stopped at will."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import httpx
import pytest
from openpyxl import Workbook

from campaigns.launch import append
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.reading_notes import ReadingStage, note_under_way
from campaigns.operations.api_tokens import Scope
from tests.console.api.test_drafts import carry_out, killed_while_reading, waiting
from tests.console.api.test_tokens import bearing, token
from tests.console.conftest import Console
from tests.support.console_server import PHONES
from tests.support.html import send, text_of, token_of
from tests.support.seeding import seed

CONTACTS = 60
LIST = "phone\n12\n" + "".join(f"+1303555{100 + number:04d}\n" for number in range(CONTACTS)) + "\n" * 2000
JSON = "/api/v1/campaigns/reminder-1/contacts"
AT = f"{JSON}/upload"


@pytest.fixture(scope="module")
def shared_console(filed_console: Console) -> Console:
    """What a reading leaves is in files; that rows are appended once is tested on both stores elsewhere."""
    return filed_console


@pytest.fixture(autouse=True)
def campaign(console: Console, long_lists: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign that goes on; lists of two kilobytes are long, and appended ten rows at a time."""
    monkeypatch.setattr(append, "APPENDED_AT_ONCE", 10)
    seed(console.ledger, PHONES[:3], now=console.clock(), campaign="reminder")


def upload(console: Console, skip: str = "true") -> httpx.Response:
    files = {"list": ("more.csv", LIST.encode()), "skip_rejects": (None, skip)}
    return console.http.post(AT, files=files, headers={"X-Dialer": "1"})


def while_written(console: Console, append_id: str, rows: int, act: Callable[[], object]) -> Callable[[], bool]:
    """Act once, when so many rows are in the ledger."""
    draft = file_drafts.find_any(console.state.settings.data_dir, append_id)

    def look() -> bool:
        note = note_under_way(draft)
        if note is not None and note.stage is ReadingStage.WRITING and note.rows_written == rows:
            act()
        return False

    return look


def test_it_is_appended_once_however_often_it_is_sent(console: Console) -> None:
    first, second = upload(console), upload(console)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    at, append_id = first.headers["location"], first.json()["id"]
    assert (first.json()["state"], first.json()["appended"]) == ("waiting", None)
    assert waiting(console) == [append_id]
    seen: list[Any] = []
    carry_out(console, append_id, stopping=while_written(console, append_id, 30, lambda: seen.append(get(console, at))))
    assert (seen[0]["state"], seen[0]["rows_written"]) == ("writing", 30)
    done = get(console, at)
    assert (done["state"], done["appended"]["added"], done["appended"]["rejected"]) == ("done", CONTACTS, 1)
    assert (done["appended"]["rejects"][0]["line"], len(done["appended"]["rows"])) == (2, CONTACTS)
    assert console.http.get(f"{at}/rejects.csv").status_code == 403, "they have numbers in full"
    with bearing(console, token(console, Scope.CAMPAIGNS, Scope.NUMBERS)) as http:
        assert "invalid_number" in http.get(f"{at}/rejects.csv").text
    assert upload(console).json()["state"] == "waiting", "sent again it is appended again, and changes nothing"
    carry_out(console, append_id)
    assert (get(console, at)["appended"]["added"], get(console, at)["appended"]["same"]) == (0, CONTACTS)
    assert console.http.get("/api/v1/drafts").json()["items"] == [], "it is no campaign to be started"
    assert console.http.get(f"/api/v1/drafts/{append_id}").status_code == 404


def test_rows_are_appended_as_files_are_and_keep_their_lines(console: Console) -> None:
    columns, *lines = LIST.split()
    others: dict[str, Any] = {"note": "-" * 40, "visits": 3, "none": None, "regular": True}
    rows: list[dict[str, Any]] = [{columns: line, **others} for line in lines]
    rows[5]["note"] = "no cell has \0"
    sent = console.http.post(JSON, json={"contacts": rows, "skip_rejects": True})
    assert (sent.status_code, sent.json()["state"]) == (202, "waiting")
    carry_out(console, sent.json()["id"])
    done = get(console, sent.headers["location"])["appended"]
    assert (done["added"], [reject["line"] for reject in done["rejects"]]) == (CONTACTS - 1, [1, 6])
    few = {"contacts": rows[:20], "skip_rejects": True}
    again = console.http.post(JSON, json=few)
    assert (again.status_code, again.json()["same"], again.json()["rejects"]) == (200, 18, done["rejects"])
    assert again.json()["rows"][0] == done["rows"][0] | {"fate": "same"}
    clash = [row | {"Note ": ""} for row in rows]
    refused = console.http.post(JSON, json={"contacts": clash})
    carry_out(console, refused.json()["id"])
    assert get(console, refused.headers["location"])["problem"]["type"] == "urn:dialer:bad-rows"


def test_a_workbook_is_long_by_what_is_packed_in_it(console: Console) -> None:
    book = Workbook()
    for line in LIST.split():
        book.active.append([line])
    packed = BytesIO()
    book.save(packed)
    sent = console.http.post(AT, files={"list": ("more.xlsx", packed.getvalue())}, headers={"X-Dialer": "1"})
    assert sent.status_code == 202


def get(console: Console, at: str) -> Any:
    return console.http.get(at).json()


def test_whoever_takes_it_up_again_appends_the_rest(console: Console) -> None:
    sent = upload(console).json()
    killed_while_reading(console, sent["id"])

    def end() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(console, sent["id"], stopping=while_written(console, sent["id"], 30, end))
    assert waiting(console) == [sent["id"]]
    carry_out(console, sent["id"])
    done = get(console, f"/api/v1/campaigns/reminder-1/appends/{sent['id']}")["appended"]
    assert (done["added"] + done["same"], done["added"] > 0) == (CONTACTS, True)
    assert console.http.get("/api/v1/campaigns/reminder-1").json()["contacts"] == 3 + CONTACTS


def test_it_ends_with_its_campaign_or_when_it_is_stopped_and_when_rows_are_bad(console: Console) -> None:
    sent = upload(console)
    at, append_id = sent.headers["location"], sent.json()["id"]

    def stop() -> None:
        console.http.delete(at, headers={"X-Dialer": "1"})

    carry_out(console, append_id, stopping=while_written(console, append_id, 10, stop))
    assert get(console, at)["problem"]["detail"] == "operator has stopped it"
    refused = upload(console, "false")
    carry_out(console, refused.json()["id"])
    assert get(console, refused.headers["location"])["problem"]["type"] == "urn:dialer:rows-rejected"
    upload(console)

    def cancel() -> None:
        console.http.post("/api/v1/campaigns/reminder-1/cancel", json={})

    carry_out(console, append_id, stopping=while_written(console, append_id, 30, cancel))
    assert get(console, at)["problem"]["type"] == "urn:dialer:cannot-append"
    assert upload(console).status_code == 409
    assert list((console.state.settings.data_dir / "drafts").glob("*/list.*")) == []
    other = at.replace("reminder-1", "reminder-2")
    assert console.http.get(other).status_code == 404


def test_the_page_shows_how_far_it_is_and_what_became_of_it(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    at = "/campaigns/reminder-1/append"
    data = {"token": token_of(console.http.get(at).text), "skip_rejects": "yes"}
    sent = console.http.post(at, data=data, files={"rows": ("more.csv", LIST.encode())})
    shown = sent.headers["location"]
    assert "The list is being appended…" in text_of(console.http.get(shown).text)
    assert send(console.http, shown, f"{shown}/stop", {}).headers["location"] == shown
    assert "has stopped it" in text_of(console.http.get(shown).text)
    console.http.post(at, data=data, files={"rows": ("more.csv", LIST.encode())})
    carry_out(console, shown.rpartition("/")[2])
    page = text_of(console.http.get(shown).text)
    assert f"{CONTACTS} added, and called from now on" in page
    assert "1 row cannot be called" in page
