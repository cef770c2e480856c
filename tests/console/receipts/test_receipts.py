"""The door for receipts: stored before it says 200, applied whatever their order, shut to strangers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID, uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text, update

from campaigns.ledger.tables import campaigns
from campaigns.lifecycle import AttemptStatus
from campaigns.settlement.receipts import apply_waiting
from dialer.calls import Outcome
from tests.console.conftest import Console
from tests.support import console_server

AT = "2026-12-01T15:00:0{}Z"


def notice(word: str, code: str, attempt: UUID | None = None, *, call: str = "call-1", second: int = 1) -> bytes:
    return console_server.notice(word, code, call=call, attempt=attempt, at=AT.format(second))


@pytest.fixture
def attempt(console: Console) -> UUID:
    campaign = console_server.add_campaign(console.ledger, now=console.clock())
    return console_server.start_dialing(console.ledger, campaign, now=console.clock())[0]


def test_a_receipt_that_overtakes_the_answer_to_our_request_places_the_attempt(console: Console, attempt: UUID) -> None:
    reply = console.deliver(notice("OFFERED", "7407", attempt))
    assert (reply.status_code, reply.content) == (200, b"ok")
    row = console_server.attempt_row(console.ledger, attempt)
    assert (row.status, row.provider_call_id, row.counted) == (AttemptStatus.PLACED, "call-1", True)


def test_a_receipt_that_comes_again_is_answered_politely_and_kept_once(console: Console, attempt: UUID) -> None:
    body = notice("ANSWERED", "7519", attempt)
    assert [console.deliver(body).status_code for _ in range(3)] == [200, 200, 200]
    assert len(console_server.receipt_rows(console.ledger)) == 1
    assert console_server.attempt_row(console.ledger, attempt).status == AttemptStatus.ANSWERED


def test_a_ringing_receipt_after_the_answer_is_kept_and_moves_nothing(console: Console, attempt: UUID) -> None:
    console.deliver(notice("ANSWERED", "7519", attempt, second=3))
    before = console_server.attempt_row(console.ledger, attempt)
    assert console.deliver(notice("OFFERED", "7407", attempt, second=1)).status_code == 200
    assert console_server.attempt_row(console.ledger, attempt) == before
    assert len(console_server.receipt_rows(console.ledger)) == 2


def test_a_receipt_without_our_id_is_known_by_the_providers_own(console: Console, attempt: UUID) -> None:
    console.deliver(notice("OFFERED", "7407", attempt))
    console.deliver(notice("REJECTED", "7402", None, second=2))
    rows = console_server.receipt_rows(console.ledger)
    assert [row.attempt_id for row in rows] == [attempt, attempt]
    assert rows[1].outcome == Outcome.BUSY
    soon = console_server.attempt_row(console.ledger, attempt).conclude_at - console.clock()
    assert 0 < soon.total_seconds() < 10, "an end was told, so the attempt is to be concluded soon"


def test_a_receipt_of_an_unknown_call_waits_for_its_attempt(console: Console, attempt: UUID) -> None:
    assert console.deliver(notice("DISCONNECTED", "7410", None, second=5)).status_code == 200
    assert console_server.receipt_rows(console.ledger)[0].applied_at is None
    console.deliver(notice("ANSWERED", "7519", attempt, second=2))
    console.ledger.write(
        apply_waiting, "bulk", console_server.ACCOUNTS["bulk"], now=console.clock()
    )  # as the sweep does
    assert {row.attempt_id for row in console_server.receipt_rows(console.ledger)} == {attempt}


def test_the_body_is_kept_as_it_came(console: Console) -> None:
    body = notice("OFFERED", "7407", uuid4())
    console.deliver(body)
    assert console_server.receipt_rows(console.ledger)[0].body == body.decode()


STRANGERS = [
    ("/receipts/bulk/wrong", "a wrong secret"),
    (f"/receipts/bulk/{console_server.SECRET}x", "a longer one"),
    (f"/receipts/nobody/{console_server.SECRET}", "an account we do not have"),
    (f"/receipts/main/{console_server.SECRET}", "the secret of another account"),
    ("/receipts/bulk/%00%F0%9F%8E%84", "a secret in no alphabet of ours"),
]


@pytest.mark.parametrize("path", [path for path, _ in STRANGERS], ids=[remark for _, remark in STRANGERS])
def test_a_stranger_learns_nothing_and_leaves_nothing(console: Console, attempt: UUID, path: str) -> None:
    reply = console.deliver(notice("OFFERED", "7407", attempt), path)
    assert (reply.status_code, reply.content) == (404, b"not found")
    with console_server.client(console.address, known=False) as provider:
        assert provider.head(path).status_code == 404
    assert console_server.receipt_rows(console.ledger) == []
    assert console_server.attempt_row(console.ledger, attempt).status == AttemptStatus.DIALING


NO_RECEIPTS = [
    (b"", "nothing"),
    (b"hello", "not JSON"),
    (b"\xff\xfe{}", "not UTF-8"),
    (b"{}", "an empty object"),
    (b"[]", "an empty list"),
    (b'{"deliveryInfoNotification": 7}', "a number for a notice"),
    (b'{"deliveryInfoNotification": {"deliveryInfo": {}}}', "a notice of nothing"),
    (b"[" * 20_000, "nested beyond reason"),
    (b'{"deliveryInfoNotification": {"deliveryInfo": {"deliveryStatus": "\\u0000"}}}', "a NUL"),
    (b'{"deliveryInfoNotification": {"deliveryInfo": {"deliveryStatus": "\\ud800"}}}', "half a character"),
    (b"deliveryStatus=ANSWERED", "a form"),
]


@pytest.mark.parametrize("body", [body for body, _ in NO_RECEIPTS], ids=[remark for _, remark in NO_RECEIPTS])
def test_what_is_no_receipt_is_refused_and_not_kept(console: Console, body: bytes) -> None:
    assert console.deliver(body).status_code == 400
    assert console_server.receipt_rows(console.ledger) == []


@pytest.mark.parametrize("door", ["/receipts/main/other", f"/notifications/bulk/{console_server.SECRET}"])
def test_the_door_of_the_other_kind_of_account_is_no_door(console: Console, door: str) -> None:
    assert console.deliver(notice("OFFERED", "7407"), door).status_code == 404
    with console_server.client(console.address, known=False) as provider:
        assert provider.head(door).status_code == 404


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded", None])
def test_any_content_type_will_do(console: Console, kind: str | None) -> None:
    headers = {"content-type": kind} if kind else {}
    with console_server.client(console.address, known=False) as provider:
        assert provider.post(console.door, content=notice("OFFERED", "7407"), headers=headers).status_code == 200


def test_a_delivery_that_is_too_large_is_not_read_to_its_end(console: Console) -> None:
    just_right = notice("OFFERED", "7407").ljust(64 * 1024)
    assert console.deliver(just_right).status_code == 200
    assert console.deliver(just_right + b" ").status_code == 413


def test_a_delivery_of_unknown_length_is_cut_off_too(console: Console) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(80):
            yield b" " * 1024

    # It may also hang up on us while we are still sending, which is as well said.
    with console_server.client(console.address, known=False) as provider, suppress(httpx.WriteError, httpx.ReadError):
        assert provider.post(console.door, content=endless()).status_code == 413
    assert console_server.receipt_rows(console.ledger) == []
    assert console.http.get("/healthz").status_code == 200


def test_a_provider_that_looks_first_finds_the_door(console: Console) -> None:
    with console_server.client(console.address, known=False) as provider:
        assert provider.head(console.door).status_code == 200


def test_what_cannot_be_stored_is_to_be_sent_again(console: Console) -> None:
    body = notice("OFFERED", "7407")
    with console_server.without_table(console.ledger, "receipts"):
        assert console.deliver(body).status_code == 503
    assert console.deliver(body).status_code == 200
    assert len(console_server.receipt_rows(console.ledger)) == 1


def test_what_is_stored_but_cannot_be_applied_yet_is_answered_200(console: Console, attempt: UUID) -> None:
    definition = _damage_definition(console)
    assert console.deliver(notice("ANSWERED", "7519", attempt)).status_code == 200
    assert console_server.receipt_rows(console.ledger)[0].applied_at is None
    with console.ledger.writing() as db:
        db.execute(update(campaigns).values(definition=definition))
    console.ledger.write(
        apply_waiting, "bulk", console_server.ACCOUNTS["bulk"], now=console.clock()
    )  # as the sweep does
    assert console_server.attempt_row(console.ledger, attempt).status == AttemptStatus.ANSWERED


def _damage_definition(console: Console) -> str:
    with console.ledger.writing() as db:
        definition: str = db.execute(text("SELECT definition FROM campaigns")).scalar_one()
        db.execute(update(campaigns).values(definition="{}"))
    return definition


def counted(console: Console) -> dict[tuple[str, str, str], float]:
    families = text_string_to_metric_families(console.http.get("/metrics").text)
    return {
        (one.labels["account"], one.labels["result"], one.labels["reason"]): one.value
        for family in families
        for one in family.samples
        if one.name == "dialer_receipts_total"
    }


def test_refusals_are_counted_from_nought_on_so_that_an_alert_sees_the_first_rise(console: Console) -> None:
    refused = {key for key in counted(console) if key[1] == "refused"}
    assert {account for account, _, _ in refused} >= {*console.state.settings.accounts, "-"}
    assert {reason for _, _, reason in refused} >= {"forged", "not_stored"}


def test_what_came_to_the_door_is_counted_by_account(console: Console) -> None:
    before = counted(console)
    console.deliver(notice("OFFERED", "7407"))
    console.deliver(notice("OFFERED", "7407"))
    console.deliver(b"hello")
    console.deliver(b"{}", "/receipts/bulk/guess")
    console.deliver(b"{}", "/receipts/stranger-named-this/guess")
    after = counted(console)
    assert {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)} == {
        ("bulk", "new", ""): 1,
        ("bulk", "repeat", ""): 1,
        ("bulk", "refused", "unreadable"): 1,
        ("bulk", "refused", "forged"): 1,
        ("-", "refused", "forged"): 1,
    }
    told = console.http.get("/metrics").text
    assert "stranger-named-this" not in told
    assert 'dialer_receipts_waiting{account="bulk"} 1.0' in told
