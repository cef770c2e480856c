"""All that is held about a person is handed over by the API, too, and every key of it is described."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.ledger.tables import attempts, contacts, receipts
from campaigns.operations.api_tokens import Scope
from campaigns.operations.retention.personal_data import ATTEMPT, CONTACT, RECEIPT, export_person
from console.api.persons import HeldCall, HeldContact, HeldReceipt
from dialer.phone import parse
from tests.console.api.test_tokens import bearing, token
from tests.console.conftest import Console
from tests.support import console_server

NUMBER = console_server.PHONES[0]


def shape(value: Any) -> Any:
    """The keys of what is held, whatever they say."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else None


@pytest.mark.parametrize(
    ("model", "names", "beside"),
    [
        (HeldContact, CONTACT, {"campaign", "rehearsal", "calls", "archive"}),
        (HeldCall, ATTEMPT, {"receipts"}),
        (HeldReceipt, RECEIPT, set()),
    ],
)
def test_every_fact_that_is_handed_over_is_described(model: Any, names: tuple[str, ...], beside: set[str]) -> None:
    assert set(model.model_fields) == {*names} | beside
    tables = {HeldContact: contacts, HeldCall: attempts, HeldReceipt: receipts}
    blank = {name for name in names if tables[model].c[name].nullable}
    assert not {name for name in blank if model.model_fields[name].is_required()}, "what may be blank is left out"


def test_what_is_held_about_a_person_is_told_whole_to_who_may_see_numbers(console: Console) -> None:
    campaign = console_server.add_campaign(console.ledger, now=console.clock())
    (attempt,) = console_server.start_dialing(console.ledger, campaign, now=console.clock())
    body = console_server.notice("OFFERED", "7407", call="call-1", attempt=attempt, at="2026-12-01T15:00:01Z")
    assert console.deliver(body).status_code == 200
    console.http.post("/api/v1/suppressions", json={"number": NUMBER, "reason": "asked us"})
    asked = {"number": NUMBER}
    with bearing(console, token(console, Scope.ADMIN)) as http:
        assert http.post("/api/v1/persons/export", json=asked).status_code == 403
    with bearing(console, token(console, Scope.ADMIN, Scope.NUMBERS, name="lawyer")) as http:
        reply = http.post("/api/v1/persons/export", json=asked)
    assert reply.status_code == 200, reply.text
    told = reply.json()
    folder = console.state.settings.data_dir
    held = export_person(console.ledger, parse(NUMBER), folder, who="test", now=console.clock())
    held["audit"].pop()  # that it was exported
    assert shape(told) == shape(held)
    ((call,), number) = told["contacts"][0]["calls"], told["contacts"][0]["phone"]
    assert (number, call["id"], call["receipts"][0]["word"]) == (NUMBER, str(attempt), "OFFERED")
    assert told["suppressions"][0]["reason"] == "asked us"
