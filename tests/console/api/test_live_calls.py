"""Programs do with a call on the line what `dialer call` does: each action reaches the provider, and the audit."""

from __future__ import annotations

import pytest

from campaigns.ledger.numbers.suppressions import listed
from campaigns.operations.api_tokens import Scope
from campaigns.operations.live_calls import ACTIONS
from dialer.phone import mask
from tests.console.api.test_tokens import bearing, token
from tests.console.conftest import Console
from tests.console.pages.test_calls import CONTACT, office, our_call, sandbox, talk, vendor
from tests.support import console_server
from tests.support.dialers import callgear, webex
from tests.support.sandbox_clients import Clients

__all__ = ["office", "sandbox", "vendor"]  # fixtures

STEPS = (
    ("tag", {"tag": 36}),
    ("record", {"record": "on"}),
    ("coach", {"number": "102"}),
    ("dtmf", {"key": "5"}),
    ("hold", {"say": "One moment please"}),
    ("unhold", {}),
    ("hold", {"media": "2034"}),
    ("make", {"to": "101", "say": "A customer"}),
    ("restore", {}),
    ("talk-option", {"key": "6"}),
    ("hold", {"media": "2034"}),
    ("make", {"to": "+79260000000"}),
    ("transfer", {}),
)
ASKED = (
    "tag.call record.call add.coach send.dtmf hold.call unhold.call hold.call make.call restore.talk"
    " call.talk_option hold.call make.call transfer.talk"
)


@pytest.fixture
def managed(office: Console, monkeypatch: pytest.MonkeyPatch, sandbox) -> Console:  # type: ignore[no-untyped-def]
    """A console whose account `main` is at the sandbox, for the API, too."""
    accounts = {"main": callgear(sandbox.base_url("callgear")), "bulk": webex(sandbox.base_url("webex"))}
    monkeypatch.setattr(office.state, "settings", office.state.settings.model_copy(update={"accounts": accounts}))
    return office


def actions_of(vendor: Clients, session: int) -> list[str]:
    return next(call["actions"] for call in vendor.sandbox.calls() if call["call_id"] == str(session))


def test_a_call_is_managed_from_hold_to_transfer_and_every_action_leaves_a_line(
    managed: Console, vendor: Clients
) -> None:
    campaign, session = our_call(managed, vendor)
    with bearing(managed, token(managed, Scope.CALLS, name="desk")) as http:
        for action, given in STEPS:
            reply = http.post(f"/api/v1/live-calls/{session}/{action}", json=given)
            assert (reply.status_code, reply.json()) == (200, {"call_session_id": session, "action": action}), action
        assert actions_of(vendor, session) == ASKED.split()
        assert http.post(f"/api/v1/live-calls/{session}/release", json={}).status_code == 200
    done = [row for action in ACTIONS for row in console_server.audit_rows(managed.ledger, f"call {action}")]
    assert len(done) == len(STEPS) + 1
    assert {(row.who, row.campaign_id) for row in done} == {("token desk", campaign)}
    assert {action for action, _ in STEPS} | {"release", "disconnect"} == set(ACTIONS), "each action is asked for here"


def test_calls_in_progress_are_told_with_their_campaign_and_numbers_as_the_token_may_see_them(
    managed: Console, vendor: Clients
) -> None:
    campaign, session = our_call(managed, vendor)
    for scopes, shown in (([Scope.CALLS], mask(f"+{CONTACT}")), ([Scope.CALLS, Scope.NUMBERS], CONTACT)):
        with bearing(managed, token(managed, *scopes, name=f"desk-{len(scopes)}")) as http:
            (call,) = http.get("/api/v1/live-calls", params={"account": "main"}).json()["items"]
            assert (call["call_session_id"], call["campaign"], call["contact_phone_number"]) == (
                session,
                campaign,
                shown,
            )
            assert [leg["is_operator"] for leg in call["legs"]] == [False, True]
            options = http.get("/api/v1/live-calls/talk-options").json()["items"]
            assert ("tag_call", "main") in {(option["mnemonic"], option["account"]) for option in options}
    leg = call["legs"][0]["leg_id"]
    for given, status in (({"leg": True}, 422), ({"leg": 1}, 409), ({"leg": leg}, 200)):
        reply = managed.http.post(f"/api/v1/live-calls/{session}/disconnect", json=given)
        assert reply.status_code == status, reply.text
    assert managed.http.get("/api/v1/live-calls").json() == {"items": []}


def test_blocking_lets_nobody_call_the_contact_again(managed: Console, vendor: Clients) -> None:
    contact = {"sqlite": "14155550105", "postgresql": "14155550106"}[managed.ledger.engine.dialect.name]
    _, session = our_call(managed, vendor, contact)
    reply = managed.http.post(f"/api/v1/live-calls/{session}/block", json={})
    assert reply.json() == {"call_session_id": session, "action": "block", "suppressed": True}
    with managed.ledger.reading() as db:
        assert [line.phone for line in listed(db)] == [f"+{contact}"]
    vendor.rpc("release.call", call_session_id=session)


def test_a_call_of_nobody_needs_its_account(managed: Console, vendor: Clients) -> None:
    session = talk(vendor)
    assert managed.http.post(f"/api/v1/live-calls/{session}/release", json={"account": "mian"}).status_code == 422
    assert managed.http.post(f"/api/v1/live-calls/{session}/release", json={"account": "main"}).status_code == 200
