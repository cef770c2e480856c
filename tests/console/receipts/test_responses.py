"""The door for keys that people press: bounds as those for receipts, idempotent, in any order, late or unknown."""

from __future__ import annotations

import json
from collections import Counter
from uuid import UUID, uuid4

import pytest

from tests.console.conftest import Console
from tests.support import console_server
from workers.password_guard import FROM_ONE_ADDRESS

DOOR = f"/responses/bulk/{console_server.SECRET}"
RESPONSES = {"1": "confirmed", "2": "cancel", "9": "stop"}


@pytest.fixture
def attempt(console: Console) -> UUID:
    campaign = console_server.add_campaign(console.ledger, now=console.clock(), keys={"responses": RESPONSES})
    return console_server.start_dialing(console.ledger, campaign, now=console.clock())[0]


def press(console: Console, attempt: UUID | str, key: str, **more: str) -> int:
    body = json.dumps({"correlation_id": str(attempt), "key": key} | more).encode()
    return console.deliver(body, DOOR).status_code


def response(console: Console, attempt: UUID) -> str | None:
    return console_server.attempt_row(console.ledger, attempt).response


def test_a_pressed_key_is_kept_and_proves_that_the_call_was_answered(console: Console, attempt: UUID) -> None:
    assert press(console, attempt, "1") == 200
    row = console_server.attempt_row(console.ledger, attempt)
    assert (row.status, row.response) == ("answered", "confirmed")


def test_the_last_press_counts_by_the_time_of_pressing_and_a_stop_for_good(console: Console, attempt: UUID) -> None:
    now = console.clock()
    press(console, attempt, "2", pressed_at=f"{now:%Y-%m-%dT%H:%M}:09Z")
    press(console, attempt, "1", pressed_at=f"{now:%Y-%m-%dT%H:%M}:05Z")
    assert response(console, attempt) == "cancel", "it was pressed later, and came earlier"
    press(console, attempt, "9", pressed_at=f"{now:%Y-%m-%dT%H:%M}:01Z")
    assert response(console, attempt) == "stop"
    (added,) = console_server.audit_rows(console.ledger, "suppression added")
    assert "said stop" in added.detail
    assert console_server.PHONES[0] not in added.detail


def test_the_same_press_again_is_one_and_an_id_makes_it_another(console: Console, attempt: UUID) -> None:
    assert [press(console, attempt, "1") for _ in range(3)] == [200, 200, 200]
    assert len(console_server.receipt_rows(console.ledger)) == 1
    press(console, attempt, "2")
    press(console, attempt, "1", id="third")
    assert response(console, attempt) == "confirmed"


def test_a_press_of_an_unknown_call_waits_and_a_key_without_meaning_moves_nothing(
    console: Console, attempt: UUID
) -> None:
    assert press(console, uuid4(), "1") == 200
    assert press(console, attempt, "7") == 200
    unknown, strange = console_server.receipt_rows(console.ledger)
    assert (unknown.applied_at, strange.attempt_id) == (None, attempt)
    assert response(console, attempt) is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"1", "no JSON object"),
        (b'{"key": "1"}', "correlation_id is missing"),
        (b'{"correlation_id": "c1", "key": "1"}', "no UUID"),
        (json.dumps({"correlation_id": str(uuid4())}).encode(), "key is missing"),
        (json.dumps({"correlation_id": str(uuid4()), "digit": "1"}).encode(), "there is no digit"),
        (json.dumps({"correlation_id": str(uuid4()), "key": "1", "pressed_at": "nine"}).encode(), "no moment"),
    ],
)
def test_what_is_no_response_is_refused_with_what_is_wrong(console: Console, body: bytes, said: str) -> None:
    reply = console.deliver(body, DOOR)
    assert reply.status_code == 400
    assert said in reply.text
    assert console_server.receipt_rows(console.ledger) == []


def test_the_door_is_shut_to_strangers_and_to_what_is_too_large(console: Console, attempt: UUID) -> None:
    good = json.dumps({"correlation_id": str(attempt), "key": "1"}).encode()
    assert console.deliver(good, "/responses/bulk/wrong").status_code == 404
    assert console.deliver(good, f"/responses/nobody/{console_server.SECRET}").status_code == 404
    assert console.deliver(b" " * (64 * 1024 + 1), DOOR).status_code == 413
    assert response(console, attempt) is None
    console.state.audit_counts(at_once=True)
    lines = console_server.audit_rows(console.ledger, "deliveries turned away")
    counted = {count for line in lines for count in line.detail.split(", ")}
    assert counted == {"bulk forged 1", "- forged 1", "bulk too_large 1"}


def test_whoever_guesses_the_secret_is_slowed_down_and_counted_as_with_passwords(
    console: Console, attempt: UUID
) -> None:
    good = json.dumps({"correlation_id": str(attempt), "key": "1"}).encode()
    guesses = [console.deliver(good, f"/responses/bulk/guess{n}") for n in range(FROM_ONE_ADDRESS + 1)]
    assert [reply.status_code for reply in guesses] == [404] * FROM_ONE_ADDRESS + [429]
    assert 0 < int(guesses[-1].headers["Retry-After"]) <= 60
    assert console.deliver(good, DOOR).status_code == 200, "the right one is never held back"
    console.clock.forward(61)
    assert console.deliver(good, "/responses/bulk/guess").status_code == 404
    console.state.audit_counts(at_once=True)
    counted: Counter[str] = Counter()
    for line in console_server.audit_rows(console.ledger, "wrong passwords"):
        for told in line.detail.split(", "):
            reason, _, count = told.rpartition(" ")
            counted[reason] += int(count)
    assert counted == {"wrong": FROM_ONE_ADDRESS + 1, "not compared": 1}
