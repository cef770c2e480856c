"""Programs run whole campaigns through the API of a real stack: one with a client that is made from the document."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from openpyxl import Workbook

from tests.docs.test_docs import ROOT
from tests.support import loopback
from tests.support.dialers import wait_for
from tests.support.shell import Shell
from workers.stack.info import running_stack

GENERATOR = ROOT / ".venv" / "tools" / "bin" / "openapi-python-client"
PACKAGE = "generated_dialer_client"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"  # the generator knows no such file
DEFINITION = {
    "campaign": "visit",
    "account": "main",
    "message": {"tts": "Hello {{ name }}, please come ten minutes early tomorrow, and bring your papers. Goodbye."},
    "caller_id": "+18005550100",
}
PEOPLE = [("+14155550101", "Ann"), ("+12125550102", "Bob")]
SETTINGS = """\
[accounts.main]
provider = "callgear"
access_token = "sandbox-key"
base_url = "http://127.0.0.1:9"
poll_seconds = 0.2
"""


@dataclass(frozen=True)
class Stack:
    """A stack on a sandbox, and how programs reach it."""

    shell: Shell
    url: str

    def token(self, name: str, scopes: str) -> str:
        created: str = self.shell.run("tokens", "create", name, "--scopes", scopes, "--json").json["token"]
        return created

    def client(self, name: str, scopes: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token(name, scopes)}"}
        return loopback.client(base_url=f"{self.url}/api/v1", headers=headers)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    shell = Shell.prepared(tmp_path_factory.mktemp("stack"), settings=SETTINGS)
    up = shell.begin("up", "--sandbox", "--speed", "20")
    try:
        wait_for(lambda: running_stack(shell.folder / ".dialer") is not None)
        info = running_stack(shell.folder / ".dialer")
        assert info is not None
        yield Stack(shell=shell, url=info.urls["console"])
    finally:
        shell.end(up)


@pytest.fixture(scope="module")
def generated(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The package that openapi-python-client makes from the document, as this console serves it."""
    if not GENERATOR.exists():
        assert not os.environ.get("CI"), "run: make .venv/.installed-tools"
        pytest.skip("the generator is not installed: make .venv/.installed-tools")
    folder = tmp_path_factory.mktemp("generated")
    with stack.client("generator", "read") as http:
        (folder / "openapi.json").write_text(http.get("/openapi.json").text)
    (folder / "config.json").write_text(
        json.dumps({"post_hooks": [], "content_type_overrides": {XLSX: "application/octet-stream"}})
    )
    made = subprocess.run(
        [
            *(GENERATOR, "generate", "--meta", "none", "--fail-on-warning", "--path", folder / "openapi.json"),
            *("--config", folder / "config.json", "--output-path", folder / PACKAGE),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module(PACKAGE)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]


def ended(http: httpx.Client, campaign: str) -> bool:
    return bool(http.get(f"/campaigns/{campaign}").raise_for_status().json()["status"] == "finished")


def test_a_generated_client_creates_starts_and_reads_a_report(stack: Stack, generated: ModuleType) -> None:
    def api(name: str) -> Any:
        return importlib.import_module(f"{PACKAGE}.api.{name}").sync

    models = importlib.import_module(f"{PACKAGE}.models")
    body = models.NewCampaign.from_dict(
        {"definition": DEFINITION, "contacts": [{"phone": phone, "name": name} for phone, name in PEOPLE]}
    )
    token = stack.token("generated", "campaigns,campaigns:send,read")
    with generated.AuthenticatedClient(base_url=stack.url, token=token, raise_on_unexpected_status=True) as client:
        draft = api("drafts.create_campaign")(client=client, body=body)
        checked = api("drafts.check_campaign")(draft.id, client=client)
        assert (checked.contacts, checked.bad) == (2, 0)
        campaign = api("drafts.start_campaign")(draft.id, client=client)
        assert campaign.rehearsal is True
        show = api("campaigns.show_campaign")
        wait_for(lambda: show(draft.id, client=client).status == "finished")
        report = api("reports.show_report")(campaign.campaign, client=client)
        assert (report.contacts, report.final.to_dict()) == (2, {"reached": 2})
        assert report.requests >= 2  # one that does not leave in time on a busy machine is asked anew
        refused = api("administration.list_tokens")(client=client)
        assert (refused.status, refused.detail) == (403, "this token has no scope admin")
    (line,) = [line for line in audit(stack) if line["event"] == "campaign created"]
    assert line["who"] == "token generated"


def test_a_generated_client_appends_withdraws_and_reads_a_report(stack: Stack, generated: ModuleType) -> None:
    def api(name: str) -> Any:
        return importlib.import_module(f"{PACKAGE}.api.{name}").sync

    models = importlib.import_module(f"{PACKAGE}.models")
    standing = DEFINITION | {"campaign": "clinic", "contacts": {"standing": True, "key": "visit"}}
    rows = [{"phone": phone, "name": name, "visit": f"A-{name}"} for phone, name in PEOPLE]
    token = stack.token("in-motion", "campaigns,campaigns:send,read")
    with generated.AuthenticatedClient(base_url=stack.url, token=token, raise_on_unexpected_status=True) as client:
        draft = api("drafts.create_campaign")(
            client=client, body=models.NewCampaign.from_dict({"definition": standing})
        )
        campaign = api("drafts.start_campaign")(draft.id, client=client).campaign
        api("campaigns.pause_campaign")(campaign, client=client)
        new = models.NewContacts.from_dict({"contacts": rows})
        for added, same in ((2, 0), (0, 2)):
            appended = api("contacts.append_contacts")(campaign, client=client, body=new)
            assert (appended.added, appended.same, appended.rejected) == (added, same, 0)
        order = models.Withdraw.from_dict({"contacts": [{"key": "A-Bob"}], "reason": "cancelled"})
        withdrawn = api("contacts.withdraw_campaign_contacts")(campaign, client=client, body=order)
        assert [(one.key, one.status) for one in withdrawn.contacts] == [("A-Bob", "withdrawn")]
        api("campaigns.resume_campaign")(campaign, client=client)
        api("campaigns.close_campaign")(campaign, client=client)
        show = api("campaigns.show_campaign")
        wait_for(lambda: show(campaign, client=client).status == "finished")
        report = api("reports.show_report")(campaign, client=client)
        assert (report.contacts, report.final.to_dict()) == (2, {"reached": 1, "withdrawn": 1})


def audit(stack: Stack) -> list[dict[str, Any]]:
    with stack.client(f"auditor-{os.urandom(3).hex()}", "admin") as http:
        lines: list[dict[str, Any]] = http.get("/audit").json()["items"]
    return lines


def test_a_workbook_is_uploaded_and_its_bad_rows_are_skipped_or_told(stack: Stack, tmp_path: Path) -> None:
    book, file = Workbook(), tmp_path / "people.xlsx"
    for row in (("phone", "name"), *PEOPLE, ("12", "Nobody")):
        book.active.append(row)
    book.save(file)
    definition = json.dumps(DEFINITION | {"campaign": "workbook"})
    with stack.client("uploader", "campaigns,campaigns:send,read,numbers") as http, file.open("rb") as stream:
        created = http.post(
            "/campaigns/upload", files={"definition": (None, definition), "list": ("people.xlsx", stream)}
        )
        at = f"/campaigns/{created.raise_for_status().json()['id']}"
        refused = http.post(f"{at}/start")
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:dialer:rows-rejected")
        assert [fault["where"] for fault in refused.json()["faults"]] == ["4: phone"]
        campaign = http.post(f"{at}/start", json={"skip_rejects": True}).raise_for_status().json()["campaign"]
        again = http.post(f"{at}/start", json={"skip_rejects": True})
        assert (again.status_code, again.json()["type"]) == (409, "urn:dialer:already-started")
        wait_for(lambda: ended(http, campaign))
        sheet = http.get(f"{at}/report/contacts.csv").text.splitlines()
        assert len(sheet) == 3
        assert [item["phone"] for item in http.get(f"{at}/contacts").json()["items"]] == [phone for phone, _ in PEOPLE]
        rejects = http.get(f"{at}/rejects.csv").text
        assert rejects == http.get(f"/campaigns/{campaign}/rejects.csv").text
        assert "Nobody" in rejects
        redial = http.post(f"/campaigns/{campaign}/redial", json={})
        assert (redial.status_code, redial.json()["type"]) == (409, "urn:dialer:cannot-redial")


def test_a_long_list_is_checked_by_a_worker(stack: Stack) -> None:
    rows = "phone,name\n" + "".join(f"+1303555{100 + number % 100:04d},{'Ann' * 30}\n" for number in range(25_000))
    files = {"definition": (None, json.dumps(DEFINITION | {"campaign": "long"})), "list": ("people.csv", rows)}
    with stack.client("checker", "campaigns") as http:
        draft = http.post("/campaigns/upload", files=files).raise_for_status().json()["id"]
        assert http.post(f"/campaigns/{draft}/check").status_code == 202
        wait_for(lambda: http.get(f"/campaigns/{draft}/check").json()["state"] == "done")
        checked = http.get(f"/campaigns/{draft}/check").json()
        assert (checked["rows_read"], checked["contacts"], checked["trouble"]) == (25_000, 100, "")
        http.delete(f"/drafts/{draft}").raise_for_status()


def test_a_rehearsal_is_carried_out_by_a_worker_and_told_beside_the_plan(stack: Stack) -> None:
    people = [{"phone": phone, "name": name} for phone, name in PEOPLE]
    with stack.client("rehearser", "campaigns") as http:
        created = http.post("/campaigns", json={"definition": DEFINITION | {"campaign": "tried"}, "contacts": people})
        at = f"/campaigns/{created.raise_for_status().json()['id']}/rehearse"
        asked = http.post(at, json={"at": "2035-03-12T09:00+00:00", "seed": 7})
        assert (asked.status_code, asked.json()["result"]) == (202, None)
        wait_for(lambda: http.get(at).json()["state"] == "done")
        told = http.get(at).json()
    result = told["result"]
    assert (told["problem"], result["status"], result["contacts"], result["seed"]) == ("", "finished", 2, 7)
    assert result["begins"] == "2035-03-12T09:00:00Z"
    assert sum(result["final"].values()) == 2
    ends = next(one for one in result["beside_the_plan"] if one["figure"] == "ends")
    assert ends["between"][0] <= ends["planned"] <= ends["between"][1]
    assert ends["planned"].startswith("2035-03-12T")


def test_accounts_and_live_calls_are_told_as_the_commands_tell_them(stack: Stack) -> None:
    with stack.client("watcher", "read,calls") as http:
        (account,) = http.get("/accounts").json()["items"]
        assert (account["account"], account["away"]) == ("main", None)
        (watched,) = stack.shell.run("accounts", "--watch", "--json").json
        told, seen = ({line["limit"]: line for line in lines} for lines in (account["limits"], watched["lines"]))
        for name in ("pace", "calls in progress"):  # the windows of points come and go with their minutes
            assert (set(told[name]), told[name]["of"]) == (set(seen[name]), seen[name]["of"])
        assert set(account) >= set(watched) - {"lines"}
        assert http.get("/live-calls").json() == {"items": []}
        unknown = http.post("/live-calls/7/release", json={})
        assert (unknown.status_code, unknown.json()["type"]) == (409, "urn:dialer:not-done")
        assert http.post("/live-calls/7/hold", json={}).status_code == 422
