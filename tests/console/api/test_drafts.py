"""Campaigns that programs create are kept with their list, checked, previewed and planned, calling nobody."""

from __future__ import annotations

import csv
import io
import stat
from dataclasses import fields
from datetime import timedelta
from typing import Any

import httpx
import pytest

from campaigns.audience.kept_lists import kept_lists
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.readings import carry_out_reading, unfinished_readings
from campaigns.launch.preview import Preview
from campaigns.operations.api_tokens import Scope
from campaigns.operations.file_erasure import erase_files
from dialer.phone import PhoneNumber, mask
from tests.console.api.test_tokens import bearing, token
from tests.console.conftest import Console
from tests.support import console_server
from workers.list_readings import list_readings

DEFINITION: dict[str, Any] = {
    "campaign": "visit",
    "account": "bulk",
    "message": {"tts": "Hello {{ name }}, see you tomorrow."},
    "caller_id": console_server.CALLER,
    "schedule": {"zone": "UTC", "windows": {"mon-sun": "09:00-20:00"}},
}
ROWS = [{"phone": phone, "name": f"Ann {number}"} for number, phone in enumerate(console_server.PHONES[:3])]
LIST = "phone,name\n" + "".join(f"{row['phone']},{row['name']}\n" for row in ROWS)
ROWS_OF_LONG = 2000
YAML = """\
campaign: visit
account: bulk
message:
  tts: "Hello {{ name }}, see you tomorrow."
caller_id: "+18005550199"
"""


def create(console: Console, **changes: Any) -> dict[str, Any]:
    reply = console.http.post("/api/v1/campaigns", json={"definition": DEFINITION, "contacts": ROWS} | changes)
    assert reply.status_code == 201, reply.text
    created: dict[str, Any] = reply.json()
    return created


def send(console: Console, definition: str, content: bytes, name: str = "people.csv") -> httpx.Response:
    files = {"definition": (None, definition), "list": (name, content)}
    return console.http.post("/api/v1/campaigns/upload", files=files, headers={"X-Dialer": "1"})


def test_a_campaign_is_created_from_rows_checked_previewed_and_planned(console: Console) -> None:
    draft = create(console)
    assert (draft["name"], draft["account"], draft["created_by"], draft["started"]) == (
        *("visit", "bulk", "operator", None),
    )
    at = f"/api/v1/campaigns/{draft['id']}"
    checked = console.http.post(f"{at}/check", json={}).json()
    assert (checked["contacts"], checked["bad"], checked["rejected"]) == (3, 0, [])
    heard = console.http.post(f"{at}/preview", json={"line": 3}).json()
    assert (heard["text"], heard["contact"]) == ("Hello Ann 1, see you tomorrow.", mask(ROWS[1]["phone"]))
    assert heard.keys() == {field.name for field in fields(Preview)} | {"characters"}, "as `dialer preview --json`"
    plan = console.http.post(f"{at}/plan", json={}).json()
    assert (plan["will_dial"], plan["account_now"]["known"], len(plan["first_rows"])) == (3, False, 3)
    assert ROWS[0]["phone"] not in str(plan)
    assert console.http.get(at).json()["type"] == "urn:dialer:not-started"


@pytest.mark.parametrize("definition", [YAML, "campaign: visit\n" + YAML.split("\n", 1)[1]])
def test_a_campaign_is_created_from_a_file_and_a_list(console: Console, definition: str) -> None:
    reply = send(console, definition, LIST.encode())
    assert reply.status_code == 201, reply.text
    checked = console.http.post(f"/api/v1/campaigns/{reply.json()['id']}/check", json={}).json()
    assert checked["contacts"] == 3


def long_draft(console: Console, definition: str = YAML) -> str:
    """The id of a draft whose list is left to a worker; all but its first hundred rows are rejected."""
    rows = b"".join(b"+1303555%04d,Ann\n" % (100 + number % 100) for number in range(ROWS_OF_LONG))
    reply = send(console, definition, b"phone,name\n" + rows)
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


def carry_out(console: Console, draft: str, **named: Any) -> None:
    """What the task of a worker does."""
    settings = console.state.settings
    purposes = list_readings(settings, console.ledger)
    carry_out_reading(settings.data_dir, draft, purposes, clock=console.clock, **named)


def waiting(console: Console) -> list[str]:
    return unfinished_readings(console.state.settings.data_dir, console.clock())


@pytest.mark.usefixtures("long_lists")
def test_a_long_list_is_checked_by_a_worker_that_says_how_far_it_is(console: Console) -> None:
    draft = long_draft(console)
    at, seen = f"/api/v1/campaigns/{draft}/check", []

    def look() -> bool:
        """Asked by the reading process each time that it notes how far it is."""
        if len(seen) < 2:
            seen.append(console.http.get(at).json())
            assert console.http.post(at, json={}).json()["state"] == "reading", "there is one check"
            assert console.http.post(at.replace("check", "start"), json={}).json()["type"] == "urn:dialer:being-read"
            assert waiting(console) == [], "a worker has it"
        return False

    asked = console.http.post(at, json={})
    assert (asked.status_code, asked.json()["state"], asked.headers["location"]) == (202, "waiting", at)
    assert (waiting(console), waiting(console)) == ([draft], []), "it is handed to one worker"
    carry_out(console, draft, stopping=look)
    assert [note["state"] for note in seen] == ["reading", "reading"]
    assert 0 <= seen[0]["rows_read"] < seen[1]["rows_read"] < ROWS_OF_LONG
    assert seen[1]["rows_expected"] == pytest.approx(ROWS_OF_LONG, rel=0.05)
    done = console.http.get(at).json()
    assert (done["state"], done["rows_read"], done["contacts"], done["bad"]) == (
        "done",
        ROWS_OF_LONG,
        100,
        ROWS_OF_LONG - 100,
    )
    assert (len(done["rejected"]), done["rejected"][0]["code"]) == (1000, "duplicate")
    with bearing(console, token(console, Scope.CAMPAIGNS, Scope.NUMBERS)) as http:
        assert http.get(at.replace("check", "rejects.csv")).text.count("\n") == ROWS_OF_LONG - 99
    carry_out(console, draft)
    assert waiting(console) == []


@pytest.mark.usefixtures("long_lists")
def test_a_check_whose_worker_is_gone_is_taken_up_again_thrice_at_the_most(console: Console) -> None:
    draft = long_draft(console)
    at = f"/api/v1/campaigns/{draft}/check"
    assert console.http.post(at, json={}).status_code == 202
    for _ in range(3):
        assert waiting(console) == [draft]
        killed_while_reading(console, draft)
        assert console.http.get(at).json()["state"] == "reading"
    console.clock.forward(31)
    assert console.http.get(at).json()["trouble"].startswith("nothing has been heard of the worker")
    assert waiting(console) == [draft]
    carry_out(console, draft)
    failed = console.http.get(at).json()
    assert (failed["state"], failed["problem"]["detail"]) == ("failed", "reading the list was cut off 3 times")
    assert console.http.post(at, json={}).json()["state"] == "waiting", "who asks again has it tried again"


def killed_while_reading(console: Console, draft: str) -> None:
    """As a process leaves a check that ends in the middle of it: nothing is written, and its lock is gone."""

    def end() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(console, draft, stopping=end)


@pytest.mark.usefixtures("long_lists")
def test_a_check_that_no_worker_takes_up_says_so_and_is_handed_out_again(console: Console) -> None:
    draft = long_draft(console)
    at = f"/api/v1/campaigns/{draft}/check"
    console.http.post(at, json={})
    assert waiting(console) == [draft]
    console.clock.forward(31)
    assert console.http.get(at).json()["trouble"].startswith("no worker has taken it up yet")
    assert waiting(console) == [draft]
    carry_out(console, draft, stopping=lambda: True)
    assert console.http.get(at).json()["state"] == "waiting", "a worker that ends leaves it to another one"
    console.http.delete(f"/api/v1/drafts/{draft}", headers={"X-Dialer": "1"})
    carry_out(console, draft)
    assert (waiting(console), console.http.get(at).status_code) == ([], 404)


@pytest.mark.usefixtures("long_lists")
def test_a_long_list_that_cannot_be_read_says_why(console: Console) -> None:
    draft = long_draft(console, YAML.replace("{{ name }}", "{{ surname }}"))
    at = f"/api/v1/campaigns/{draft}/check"
    assert console.http.get(at).json()["type"] == "urn:dialer:no-reading"
    console.http.post(at, json={})
    carry_out(console, draft)
    failed = console.http.get(at).json()
    assert (failed["state"], failed["problem"]["type"]) == ("failed", "urn:dialer:definition-faults")
    assert failed["problem"]["faults"], failed
    assert str(console.state.settings.data_dir) not in str(failed)


def test_what_is_kept_is_its_owners_alone_and_leads_to_no_other_file(console: Console) -> None:
    """Whatever list the definition names: it would be a file of this machine, or any address that it reaches."""
    for file in ("/etc/passwd", "../../ledger.sqlite3", "http://127.0.0.1:9/list.csv"):
        draft = create(console, definition=DEFINITION | {"contacts": {"file": file}})
        folder = console.state.settings.data_dir / "drafts" / draft["id"]
        assert "file: list.csv" in (folder / "campaign.yaml").read_text()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(kept.stat().st_mode) for kept in folder.iterdir()} == {0o600}


def test_a_fault_of_the_definition_is_told_with_its_place(console: Console) -> None:
    reply = send(console, YAML.replace("caller_id", "caller_ib"), LIST.encode())
    assert (reply.status_code, reply.json()["type"]) == (422, "urn:dialer:definition-faults")
    faults = {fault["where"]: fault for fault in reply.json()["faults"]}
    assert "5:1: caller_ib" in faults
    assert "caller_id" in str(faults["5:1: caller_ib"])
    assert str(console.state.settings.data_dir) not in reply.text
    assert list((console.state.settings.data_dir / "drafts").glob("*.*")) == []


def test_rows_that_cannot_be_called_are_told_with_their_reasons(console: Console) -> None:
    draft = create(console, contacts=[*ROWS, {"phone": "12", "name": "Bob"}])
    at = f"/api/v1/campaigns/{draft['id']}"
    checked = console.http.post(f"{at}/check", json={}).json()
    (row,) = checked["rejected"]
    assert (checked["bad"], row["line"], row["column"], row["code"]) == (1, 5, "phone", "invalid_number")
    assert console.http.get(f"{at}/rejects.csv").status_code == 403, "they have numbers in full"
    with bearing(console, token(console, Scope.CAMPAIGNS, Scope.NUMBERS)) as http:
        (written,) = csv.DictReader(io.StringIO(http.get(f"{at}/rejects.csv").content.decode("utf-8-sig")))
    assert (written["phone"], written["_code"]) == ("12", "invalid_number")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"contacts": []}, "contacts"),
        ({"contacts": [{}]}, "contacts"),
        ({"contacts": [{"phone": ["+1"]}]}, "contacts"),
        ({"contacts": "people.csv"}, "contacts"),
        ({"definition": "campaign: ["}, "campaign.yaml"),
        ({"definition": {}}, "campaign"),
        ({"definition": {"campaign": "../x"}}, "campaign"),
        ({"definition": {"campaign": "\0"}}, ""),
        ({"list": "people.csv"}, "list"),
    ],
)
def test_what_cannot_be_created_is_named(console: Console, changes: dict[str, Any], named: str) -> None:
    given = {"definition": DEFINITION, "contacts": ROWS} | changes
    reply = console.http.post("/api/v1/campaigns", json=given)
    assert reply.status_code == 422, reply.text
    assert named in reply.text


def test_parts_that_are_missing_or_strange_are_named(console: Console) -> None:
    post = console.http.post
    for files in ({"definition": (None, YAML)}, {"definition": (None, YAML), "lst": ("a.csv", LIST)}):
        reply = post("/api/v1/campaigns/upload", files=files, headers={"X-Dialer": "1"})
        assert (reply.status_code, reply.json()["detail"].startswith("the parts are definition and list")) == (
            422,
            True,
        )
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=x", "text/csv", ""):
        headers = {"X-Dialer": "1", "Content-Type": content_type}
        assert post("/api/v1/campaigns/upload", content=b"x", headers=headers).status_code in (400, 422)


def test_drafts_are_listed_removed_and_kept_for_a_week(console: Console) -> None:
    first = create(console)["id"]
    console.clock.forward(1)
    second = create(console)["id"]
    assert [draft["id"] for draft in console.http.get("/api/v1/drafts").json()["items"]] == [second, first]
    assert console.http.delete(f"/api/v1/drafts/{second}", headers={"X-Dialer": "1"}).status_code == 204
    assert console.http.get(f"/api/v1/drafts/{second}").status_code == 404
    console.clock.forward(timedelta(days=8).total_seconds())
    third = create(console)["id"]
    assert [draft["id"] for draft in console.http.get("/api/v1/drafts").json()["items"]] == [third]


def test_an_erasure_names_lists_that_wait(console: Console) -> None:
    create(console)
    reports = console.state.settings.data_dir / "reports"
    erased = erase_files(console.ledger, PhoneNumber(ROWS[0]["phone"]), reports)
    assert list(erased.left) == [file.absolute() for file in kept_lists(console.state.settings.data_dir)]
    assert list(erase_files(console.ledger, PhoneNumber("+13035550199"), reports).left) == []


def test_a_draft_that_is_being_started_is_not_started_twice(console: Console) -> None:
    draft = file_drafts.find(console.state.settings.data_dir, create(console)["id"])
    with file_drafts.alone(draft):
        reply = console.http.post(f"/api/v1/campaigns/{draft.id}/start", json={})
    assert (reply.status_code, reply.json()["type"]) == (409, "urn:dialer:being-read")


def test_a_draft_without_hours_of_its_own_does_not_recur(console: Console) -> None:
    reply = console.http.post("/api/v1/schedules", json={"draft": create(console)["id"]})
    assert (reply.status_code, reply.json()["type"]) == (422, "urn:dialer:not-recurring")
    daily = DEFINITION | {"schedule": DEFINITION["schedule"] | {"repeat": "0 9 * * *"}}
    recurring = console.http.post("/api/v1/schedules", json={"draft": create(console, definition=daily)["id"]})
    assert (recurring.status_code, recurring.json()["name"]) == (201, "visit")
    console.clock.forward(timedelta(days=30).total_seconds())
    create(console)
    assert len(kept_lists(console.state.settings.data_dir)) == 2, "the list of a schedule is kept"
    assert console.http.delete("/api/v1/schedules/visit", headers={"X-Dialer": "1"}).status_code == 204
