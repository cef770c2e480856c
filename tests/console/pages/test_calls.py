"""The pages of calls on the line: whose they are, how they stand, and what a provider does with them or refuses."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import update

from campaigns.ledger.numbers.suppressions import listed
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import AttemptStatus
from campaigns.operations.people import Role
from campaigns.reporting.listings import calls_on_the_line
from console.server.call_looks import CallLooks
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from tests.console.conftest import Console
from tests.contract.callgear.provoking import state_of
from tests.support import console_server
from tests.support.dialers import callgear, webex
from tests.support.html import NASTY, send, text_of, token_of
from tests.support.sandbox_clients import Clients, until
from tests.support.statements import sqlite_plans

CONTACT = "14155550101"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(seed=1, speed=20, office={"talk_seconds": 3000})) as handle:
        yield handle


@pytest.fixture(scope="module")
def vendor(sandbox: SandboxHandle) -> Iterator[Clients]:
    clients = Clients(sandbox)
    yield clients
    clients.http.close()


@pytest.fixture
def office(console: Console, sandbox: SandboxHandle, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    """A console whose account `main` is at the sandbox; `bulk` is one whose calls cannot be managed."""
    accounts = {"main": callgear(sandbox.base_url("callgear")), "bulk": webex(sandbox.base_url("webex"))}
    looks = CallLooks(console.state.settings.model_copy(update={"accounts": accounts}))
    monkeypatch.setattr(console.state, "call_looks", looks)
    yield console
    looks.close()


def talk(vendor: Clients, external_id: str | None = None, contact: str = CONTACT) -> int:
    """The session of a call whose people talk."""
    given = {"virtual_phone_number": "18005550100", "first_call": "contact", "operator": "79262444491"}
    given |= {"external_id": external_id} if external_id else {}
    session = vendor.rpc("start.simple_call", contact=contact, **given)["result"]["data"]["call_session_id"]
    until(lambda: state_of(vendor, session) == "Talk")
    return int(session)


def our_call(console: Console, vendor: Clients, contact: str = CONTACT) -> tuple[str, int]:
    """A campaign's call that goes on at the sandbox: the campaign, and the session."""
    campaign = console_server.add_campaign(console.ledger, now=console.clock(), phones=[f"+{contact}"])
    (attempt,) = console_server.start_dialing(console.ledger, campaign, now=console.clock())
    session = talk(vendor, str(attempt), contact)
    facts = {"account": "main", "provider": "callgear", "status": "placed", "provider_call_id": str(session)}
    with console.ledger.writing() as db:
        db.execute(update(attempts).where(attempts.c.id == attempt).values(**facts, placed_at=console.clock()))
    return campaign, session


@pytest.fixture
def call(office: Console, vendor: Clients) -> Iterator[tuple[str, int]]:
    campaign, session = our_call(office, vendor)
    yield campaign, session
    vendor.rpc("release.call", call_session_id=session)


def test_without_calls_the_page_says_when_they_appear(office: Console) -> None:
    assert "Nobody is being called now" in text_of(office.http.get("/calls").text)


def test_a_call_is_shown_with_its_campaign_and_the_state_its_number_masked(
    office: Console, call: tuple[str, int]
) -> None:
    campaign, session = call
    html = office.http.get("/calls").text
    page = text_of(html)
    assert f"talking 2026-12-01 15:00:00 UTC {campaign} main Manage" in page
    assert f'href="/calls/main/{session}"' in html
    assert CONTACT not in html
    assert "Other calls" not in page
    one = text_of(office.http.get(f"/calls/main/{session}").text)
    assert "contact +1415" in one
    assert "operator +7926" in one


def test_a_call_is_held_and_ended_and_each_act_stands_in_the_audit(
    office: Console, vendor: Clients, call: tuple[str, int]
) -> None:
    campaign, session = call
    page = f"/calls/main/{session}"
    for action, fields in (
        ("tag", {"tag": "36"}),
        ("record", {"record": "on"}),
        ("hold", {"say": "One moment please", "media": ""}),
        ("unhold", {}),
        ("hold", {"media": "2034"}),
        ("make", {"to": "101", "say": "A customer"}),
        ("restore", {}),
        ("coach", {"number": "102"}),
        ("dtmf", {"key": "9"}),
        ("talk-option", {"key": "6"}),
    ):
        reply = send(office.http, page, f"{page}/{action}", fields)
        assert (reply.status_code, reply.headers.get("location")) == (303, f"{page}?done={action}"), text_of(reply.text)
    assert "Done." in office.http.get(f"{page}?done=hold").text
    assert send(office.http, page, f"{page}/release").status_code == 303
    assert "It is not on the line any more" in text_of(office.http.get(page).text)
    lines = console_server.audit_rows(office.ledger, "call hold")
    assert [(line.who, line.campaign_id) for line in lines] == [("operator", campaign)] * 2


def test_the_providers_refusal_is_shown_in_words_and_what_was_typed_stays(
    office: Console, call: tuple[str, int]
) -> None:
    _, session = call
    page = f"/calls/main/{session}"
    reply = send(office.http, page, f"{page}/make", {"to": "101", "say": NASTY})
    assert reply.status_code == 409
    assert 'class="notice bad" role="alert"' in reply.text
    assert 'value="101"' in reply.text
    assert NASTY not in reply.text
    (line,) = console_server.audit_rows(office.ledger, "call make")
    assert "done" not in line.detail


@pytest.mark.parametrize(
    ("action", "fields", "words"),
    [
        ("hold", {}, "somebody on hold hears something"),
        ("make", {"to": "everybody"}, "this does not fit: to"),
        ("make", {}, "fill in this field: to"),
        ("tag", {"tag": "x"}, "this does not fit: tag"),
        ("dtmf", {"key": "A"}, "this does not fit: key"),
    ],
)
def test_what_does_not_fit_is_named_before_the_provider_is_asked(
    office: Console, call: tuple[str, int], action: str, fields: dict[str, str], words: str
) -> None:
    page = f"/calls/main/{call[1]}"
    reply = send(office.http, page, f"{page}/{action}", fields)
    assert reply.status_code == 422
    assert words in text_of(reply.text)
    assert console_server.audit_rows(office.ledger, f"call {action}") == []


def test_blocking_lets_nobody_call_the_contact_again(office: Console, vendor: Clients) -> None:
    contact = {"sqlite": "14155550107", "postgresql": "14155550108"}[office.ledger.engine.dialect.name]
    _, session = our_call(office, vendor, contact)
    page = f"/calls/main/{session}"
    assert send(office.http, page, f"{page}/block").status_code == 303
    with office.ledger.reading() as db:
        assert [line.phone for line in listed(db)] == [f"+{contact}"]


def test_calls_of_others_at_the_same_account_are_apart(office: Console, vendor: Clients) -> None:
    session = talk(vendor)
    page = text_of(office.http.get("/calls").text)
    assert "Nobody is being called now" in page
    assert "Other calls of these accounts No campaign has made them." in page
    assert send(office.http, f"/calls/main/{session}", f"/calls/main/{session}/release").status_code == 303
    assert "Other calls" not in office.http.get("/calls").text


def test_where_calls_cannot_be_managed_the_ledger_tells_how_they_stand(office: Console) -> None:
    campaign = console_server.add_campaign(office.ledger, now=office.clock())
    console_server.start_dialing(office.ledger, campaign, now=office.clock(), limit=3)
    page = text_of(office.http.get("/calls").text)
    assert page.count(f"is being requested 2026-12-01 15:00:00 UTC {campaign} bulk") == 3
    assert "Manage" not in page.replace("Manage call", "")
    assert office.http.get("/calls/bulk/7").status_code == 404
    assert office.http.get("/calls/nobody/7").status_code == 404


def test_a_provider_that_does_not_answer_is_named_and_our_own_calls_are_shown(console: Console) -> None:
    campaign = console_server.add_campaign(console.ledger, now=console.clock())
    console_server.start_dialing(console.ledger, campaign, now=console.clock())
    page = text_of(console.http.get("/calls").text)
    assert "main:" in page
    assert f"{campaign} bulk" in page


def test_many_calls_come_in_parts_each_once(console: Console) -> None:
    campaign = console_server.add_campaign(console.ledger, now=console.clock(), phones=[])
    rows = [
        {
            **{"campaign_id": campaign, "line": number, "phone": f"+1415555{number:04}", "fields": {}, "zone": "UTC"},
            **{"status": "dialing", "due_at": console.clock()},
        }
        for number in range(230)
    ]
    with console.ledger.writing() as db:
        db.execute(contacts.insert(), rows)
        ids = db.scalars(contacts.select().with_only_columns(contacts.c.id)).all()
        common = {"campaign_id": campaign, "account": "bulk", "provider": "webex", "caller_id": "", "number": 1}
        common |= {"status": AttemptStatus.DIALING, "script_seconds": 1.0}
        common |= dict.fromkeys(("scheduled_at", "dialing_at"), console.clock())
        db.execute(attempts.insert(), [common | {"id": uuid4(), "contact_id": contact} for contact in ids])
    shown, address = [], "/calls"
    while address:
        page = console.http.get(address).text
        shown.append(page.count("is being requested"))
        address = page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0] * ('rel="next"' in page)
    assert shown == [100, 100, 30]


def test_who_may_look_only_sees_the_call_and_no_buttons(office: Console, call: tuple[str, int]) -> None:
    page = f"/calls/main/{call[1]}"
    console_server.add_user(office.ledger, "viewer", Role.VIEWER, now=office.clock())
    with console_server.client(office.address, user="viewer") as viewer:
        html = viewer.get(page).text
        assert "contact +1415" in text_of(html)
        assert f'action="{page}' not in html
        assert viewer.post(f"{page}/release", data={"token": token_of(html)}).status_code == 403
    assert "talking" in office.http.get(page).text


def test_one_look_serves_every_open_page(office: Console) -> None:
    looks = office.state.call_looks
    first = looks.calls("main", busy=False)
    assert office.http.get("/calls").status_code == 200
    assert looks.calls("main", busy=False) is first
    looks.forget("main")
    assert looks.calls("main", busy=False) is not first


def test_open_calls_are_found_by_their_index_however_many_have_ended(console: Console) -> None:
    with console.ledger.reading() as db, sqlite_plans(console.ledger) as plans:
        calls_on_the_line(db, limit=10)
    assert all("ix_attempts_open" in plan for plan in plans if "attempts" in plan)
