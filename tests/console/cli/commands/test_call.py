"""`dialer call`: calls in progress are listed and managed, each action leaves a line, block writes our list."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import audit, suppressions
from console.cli.app import main
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from tests.contract.callgear.provoking import state_of
from tests.support.sandbox_clients import STILL, Clients, until
from tests.support.shell import Shell

SPEED = 20.0  # at which a call is answered in a second


@dataclass
class Here:
    """A folder with one CallGear account at a sandbox, and the command line in this process."""

    vendor: Clients
    folder: str
    run: Callable[..., tuple[int, str, str]]

    def talk(self, contact: str = "14155550101") -> int:
        """The session of a call whose people talk, while the sandbox's time all but stands still."""
        self.vendor.sandbox.configure(speed=SPEED)
        given = {"virtual_phone_number": "18005550100", "first_call": "contact", "operator": "79262444491"}
        placed = self.vendor.rpc("start.simple_call", contact=contact, **given)
        session = placed["result"]["data"]["call_session_id"]
        until(lambda: state_of(self.vendor, session) == "Talk")
        self.vendor.sandbox.configure(speed=STILL)
        return session

    def actions(self, session: int) -> list[str]:
        return next(call["actions"] for call in self.vendor.sandbox.calls() if call["call_id"] == str(session))

    def rows(self, query: object) -> list:
        ledger = Ledger(f"sqlite:///{self.folder}/.dialer/ledger.sqlite3")
        try:
            with ledger.reading() as db:
                return list(db.execute(query))
        finally:
            ledger.close()


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(seed=1, speed=SPEED, office={"talk_seconds": 30_000})) as handle:
        yield handle


@pytest.fixture
def here(tmp_path, monkeypatch, capsys, sandbox) -> Iterator[Here]:
    settings = f'[accounts.main]\nprovider = "callgear"\nbase_url = "{sandbox.url}"\naccess_token = "sandbox-key"\n'
    Shell.prepared(tmp_path, settings=settings)
    monkeypatch.chdir(tmp_path)
    for key in [key for key in os.environ if key.upper().startswith("DIALER_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("COLUMNS", "80")
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["dialer", "call", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    clients = Clients(sandbox)
    yield Here(clients, str(tmp_path), run)
    clients.http.close()
    signal.signal(signal.SIGTERM, before)


def test_a_call_is_managed_from_hold_to_transfer_and_every_action_leaves_a_line(here):
    session = here.talk()
    steps = [
        ("tag", session, 36),
        ("record", session, "on"),
        ("coach", session, "--number", "102"),
        ("dtmf", session, "5"),
        ("hold", session, "--say", "One moment please"),
        ("unhold", session),
        ("hold", session, "--media", "2034"),
        ("make", session, "101", "--say", "A customer"),
        ("restore", session),
        ("talk-option", session, "6"),
        ("hold", session, "--media", "2034"),
        ("make", session, "+79260000000"),
        ("transfer", session),
    ]
    for step in steps:
        code, out, err = here.run(*step)
        assert (code, err) == (0, ""), (step, out, err)
        assert f"Call {session}: {step[0]}" in out
    expected = "tag.call record.call add.coach send.dtmf hold.call unhold.call hold.call make.call restore.talk"
    expected += " call.talk_option hold.call make.call transfer.talk"
    assert here.actions(session) == expected.split()
    lines = here.rows(select(audit.c.event, audit.c.detail, audit.c.who).order_by(audit.c.id))
    assert [line.event.split()[1] for line in lines] == [step[0] for step in steps]
    assert all(line.detail == f"{session} on account main: done" and line.who for line in lines)


def test_the_list_shows_who_takes_part_and_masks_their_numbers(here):
    assert here.run("list")[:2] == (0, "No call is in progress.\n")
    session = here.talk()
    code, out, _ = here.run("list")
    assert code == 0
    assert all(word in out for word in (str(session), "contact +1415", "operator +7926", "Talk", "main"))
    assert max(map(len, out.splitlines())) <= 80
    (listed,) = json.loads(here.run("list", "--json", "--account", "main")[1])
    assert listed["call_session_id"] == session
    assert [leg["is_operator"] for leg in listed["legs"]] == [False, True]
    assert "4155550101" not in out + json.dumps(listed)


def test_block_writes_our_suppression_list_too(here):
    session = here.talk("14155550107")
    code, out, _ = here.run("block", session, "--json")
    assert (code, json.loads(out)) == (
        0,
        {"call_session_id": session, "action": "block", "done": True, "suppressed": True},
    )
    assert [row.phone for row in here.rows(select(suppressions.c.phone))] == ["+14155550107"]
    assert here.run("block", session)[0] == 0, "who is blocked there already is blocked"
    assert here.run("release", session)[0] == 0
    again = here.vendor.informer("14155550107", virtual_phone_number="18005550100")
    assert again["error"]["data"]["mnemonic"] == "contact_in_blacklist"


def test_legs_and_calls_are_ended(here):
    session = here.talk()
    leg = json.loads(here.run("list", "--json")[1])[0]["legs"][0]["leg_id"]
    assert here.run("disconnect", session, leg)[0] == 0
    session = here.talk()
    assert here.run("release", session)[0] == 0
    assert here.run("list")[1] == "No call is in progress.\n"


def test_talk_options_are_listed(here):
    code, out, _ = here.run("talk-options")
    assert (code, "tag_call" in out, "Relevant" in out) == (0, True, True)
    assert json.loads(here.run("talk-options", "--json")[1])[0]["account"] == "main"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["unhold", "SESSION"], 1, ["does not allow this", "see where the call stands: dialer call list"]),
        (["release", "1"], 1, ["call 1: the call is over or was never placed", "dialer call list"]),
        (["dtmf", "SESSION", "12"], 1, ["dtmf_string", "one key"]),
        (["tag", "SESSION", "1"], 1, ["no such tag"]),
        (["disconnect", "SESSION", "1"], 1, ["no such participant", "see the legs: dialer call list"]),
        (["release", "1", "--account", "mian"], 1, ["no account 'mian'", "main"]),
        (["hold", "SESSION"], 2, ["--say", "--media"]),
        (["record", "SESSION", "maybe"], 2, ["on", "off"]),
        (["release", "x"], 2, ["SESSION"]),
    ],
)
def test_what_cannot_be_done_says_why_and_what_to_do(here, arguments, code, said):
    session = str(here.talk())
    ended, out, err = here.run(*(session if one == "SESSION" else one for one in arguments))
    told = " ".join((out + err).split())
    assert ended == code
    assert [word for word in said if word not in told] == []


def test_what_was_refused_leaves_a_line_as_well(here):
    session = here.talk()
    code, out, _ = here.run("unhold", session, "--json")
    assert (code, "error" in json.loads(out)) == (1, True)
    (line,) = here.rows(select(audit.c.event, audit.c.detail))
    assert tuple(line) == ("call unhold", f"{session} on account main: invalid_state")


def test_another_vendor_has_no_such_calls(here):
    Path(here.folder, "dialer.toml").touch(mode=0o600)
    Path(here.folder, "dialer.toml").write_text('[accounts.bulk]\nprovider = "webex"\nservice_key = "k"\n')
    code, _, err = here.run("list")
    assert (code, "no account's calls can be managed" in err) == (1, True)


def test_the_list_refreshes_until_it_is_left(here):
    watching = Shell(Path(here.folder)).begin("call", "list", "--watch", "--every", "0.5")
    try:
        until(lambda: looks(here) >= 2, 40)
    finally:
        shown = Shell.end(watching)
    assert watching.process.wait() == 130
    assert "No call is in progress" in shown


def looks(here: Here) -> int:
    time.sleep(0.1)
    return sum(row["count"] for row in here.vendor.sandbox.requests() if row["method"] == "list.calls")
