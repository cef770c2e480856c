"""What is forged, unsigned, oversized, unreadable or repeated leaves no trace in the ledger but an audit count."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from uuid import UUID

import pytest

from campaigns.lifecycle import AttemptStatus
from tests.console.conftest import Console
from tests.console.receipts.test_receipts import attempt, notice
from tests.support import console_server

__all__ = ["attempt"]

EVENT = "deliveries turned away"
SIGNED = f"/receipts/signed/{console_server.SECRET}"


def signature(body: bytes, algorithm: str = "sha256", secret: str = console_server.HUB_SECRET) -> str:
    return hmac.new(secret.encode(), body, algorithm).hexdigest()


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("shape", ["bare", "named", "NAMED"])
def test_a_signed_delivery_is_taken_in_every_way_the_vendor_may_write_it(
    console: Console, algorithm: str, shape: str
) -> None:
    body = notice("OFFERED", "7407")
    told = signature(body, algorithm)
    said = {"bare": told, "named": f"{algorithm}={told}", "NAMED": f"{algorithm}={told}".upper()}[shape]
    assert console.deliver(body, SIGNED, x_hub_signature=said).status_code == 200
    assert len(console_server.receipt_rows(console.ledger)) == 1


FORGED = [
    (None, "none"),
    ("", "an empty one"),
    ("0" * 64, "a wrong one"),
    ("sha256=" + "0" * 63, "a short one"),
    (hashlib.sha1(b"x").hexdigest(), "SHA-1"),  # noqa: S324
    (signature(notice("OFFERED", "7407"), secret="another"), "by another secret"),
    (signature(b"another body"), "of another body"),
    ("é" * 64, "in no alphabet of ours"),
]


@pytest.mark.parametrize("given", [given for given, _ in FORGED], ids=[remark for _, remark in FORGED])
def test_without_its_signature_a_delivery_is_refused(console: Console, given: str | None) -> None:
    with console_server.client(console.address, known=False) as provider:
        headers = {} if given is None else {"x-hub-signature": given.encode()}
        reply = provider.post(SIGNED, content=notice("OFFERED", "7407"), headers=headers)
    assert (reply.status_code, reply.content) == (401, b"not signed as agreed")
    assert console_server.receipt_rows(console.ledger) == []


def everything_bad(console: Console, attempt: UUID) -> list[int]:
    body = notice("OFFERED", "7407", attempt)
    bad = [
        (body, "/receipts/bulk/guess", "a forged secret"),
        (body, f"/receipts/main/{console_server.SECRET}", "another account's secret"),
        (body, f"/receipts/nobody/{console_server.SECRET}", "an account we do not have"),
        (body, SIGNED, "no signature"),
        (b" " * 70_000, None, "too large"),
        (b"hello", None, "not JSON"),
    ]
    return [console.deliver(content, door).status_code for content, door, _ in bad]


def test_what_is_turned_away_leaves_an_audit_count_and_nothing_else(console: Console, attempt: UUID) -> None:
    assert everything_bad(console, attempt) == [404, 404, 404, 401, 413, 400]
    console.clock.forward(61)
    assert console.deliver(b"hello").status_code == 400
    lines = console_server.audit_rows(console.ledger, EVENT)
    assert [line.detail for line in lines] == [
        "bulk forged 1",
        "- forged 1, bulk too_large 1, bulk unreadable 2, main forged 1, signed unsigned 1",
    ]
    assert {(line.who, line.campaign_id) for line in lines} == {("console", None)}
    assert console_server.receipt_rows(console.ledger) == []
    assert console_server.attempt_row(console.ledger, attempt).status == AttemptStatus.DIALING


def test_a_replay_is_answered_politely_counted_and_changes_nothing(console: Console, attempt: UUID) -> None:
    body = notice("ANSWERED", "7519", attempt)
    console.deliver(body)
    before = console_server.attempt_row(console.ledger, attempt)
    console.clock.forward(timedelta(days=3).total_seconds())
    assert [console.deliver(body).status_code for _ in range(3)] == [200, 200, 200]
    assert console_server.attempt_row(console.ledger, attempt) == before
    assert len(console_server.receipt_rows(console.ledger)) == 1
    assert [line.detail for line in console_server.audit_rows(console.ledger, EVENT)] == ["bulk repeat 1"]


def test_nobody_fills_the_ledger_by_knocking(console: Console) -> None:
    for _ in range(50):
        console.deliver(b"{}", "/receipts/bulk/guess")
    assert len(console_server.audit_rows(console.ledger, EVENT)) == 1


def test_what_is_left_to_tell_is_told_at_the_end(console: Console) -> None:
    for _ in range(3):
        console.deliver(b"{}", "/receipts/bulk/guess")
    console.state.audit_counts(at_once=True)
    assert [line.detail for line in console_server.audit_rows(console.ledger, EVENT)] == [
        "bulk forged 1",
        "bulk forged 2",
    ]


def test_an_audit_that_cannot_be_written_keeps_no_stranger_waiting(console: Console) -> None:
    with console_server.without_table(console.ledger, "audit"):
        assert console.deliver(b"{}", "/receipts/bulk/guess").status_code == 404
