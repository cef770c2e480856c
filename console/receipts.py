"""The door for receipts: what a provider posts is stored durably before it hears 200, and applied when it can be.

The URL holds a secret and the body a phone number, so neither is ever logged; strangers are counted, not recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.requests import ClientDisconnect
from structlog import get_logger

from campaigns.ledger.receipts import Delivery, are_stored
from console.server.body import TooLarge, read_body
from console.server.receipt_counts import NO_ACCOUNT, Refusal
from console.server.state import AppState, InjectedState
from dialer.calls import Receipt
from dialer.errors import DialerError

MAX_BODY_BYTES = 64 * 1024

log = get_logger()
router = APIRouter()


@router.head("/receipts/{account}/{secret}")
@router.head("/notifications/{account}/{secret}")
async def check_url(account: str, secret: str, request: Request, desk: InjectedState) -> Response:
    """Whether the door is there: providers ask before they save a URL."""
    if _is_receipt_url(request, account, secret, desk):
        return PlainTextResponse("ok")
    return await _after_audit(desk, _refuse_unknown_url(desk, account))


@router.post("/receipts/{account}/{secret}")
@router.post("/notifications/{account}/{secret}")
async def receive_delivery(account: str, secret: str, request: Request, desk: InjectedState) -> Response:
    """Take a delivery: exactly 200 once it is stored; 503 when it should be sent again."""
    if not _is_receipt_url(request, account, secret, desk):
        return await _after_audit(desk, _refuse_unknown_url(desk, account))
    try:
        body = await read_body(request, MAX_BODY_BYTES)
    except TooLarge:
        return await _after_audit(
            desk, _refuse(desk, account, "too_large", 413, f"a delivery has at most {MAX_BODY_BYTES} bytes")
        )
    except ClientDisconnect:
        return await _after_audit(desk, _refuse(desk, account, "unreadable", 400, "the delivery was cut short"))
    return await _after_audit(desk, await _store_delivery(desk, account, body, dict(request.headers)))


def _is_receipt_url(request: Request, account: str, secret: str, desk: AppState) -> bool:
    door = request.url.path.split("/", 2)[1]
    return desk.expects(door, account, secret)


async def _after_audit(desk: AppState, answer: Response) -> Response:
    if desk.counts.due(desk.clock()):
        await to_thread.run_sync(desk.tell_audit, limiter=desk.receipt_threads)
    return answer


async def _store_delivery(desk: AppState, account: str, body: bytes, headers: Mapping[str, str]) -> Response:
    if not desk.providers[account].genuine(body, headers):
        return _refuse(desk, account, "unsigned", 401, "not signed as agreed")
    heard = desk.providers[account].read_receipts(body, headers)
    if not heard or not all(map(_is_storable, heard)):
        return _refuse(desk, account, "unreadable", 400, "not a receipt")
    delivery = Delivery(account=account, heard=heard, body=body.decode("utf-8", "replace"))
    try:
        fresh = await asyncio.shield(asyncio.wrap_future(desk.mailroom.keep(delivery)))
    except Exception as exc:
        # Its text may quote the body: name the kind of error, and say in words only what was written for people.
        trouble = {"account": account, "error": type(exc).__name__, "why": getattr(exc, "message", "")}
        if not await to_thread.run_sync(_already_stored, desk, account, heard, limiter=desk.receipt_threads):
            log.error("receipt not stored: its provider is asked to send it again", **trouble)
            return _refuse(desk, account, "not_stored", 503, "try again")
        log.warning("receipt stored but not applied: the sweep will", **trouble)
        fresh = len(heard)
    desk.counts.kept(account, fresh=fresh, all_of_them=len({receipt.event_id for receipt in heard}))
    return PlainTextResponse("ok")


def _is_storable(receipt: Receipt) -> bool:
    """False for a receipt whose words hold a NUL or half a character, which no store takes."""
    words = (receipt.event_id, receipt.provider_call_id or "", receipt.word, receipt.code or "")
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for word in words for letter in word)


def _already_stored(desk: AppState, account: str, heard: Sequence[Receipt]) -> bool:
    """What the ledger says, after an error that may have come before or after the commit."""
    events = {receipt.event_id for receipt in heard}
    try:
        with desk.ledger.reading() as db:
            return are_stored(db, account, events)
    except Exception as exc:
        why = exc.message if isinstance(exc, DialerError) else ""
        log.error("the ledger does not say whether a receipt is stored", error=type(exc).__name__, why=why)
        return False


def _refuse_unknown_url(desk: AppState, account: str) -> Response:
    known = account if account in desk.settings.accounts else NO_ACCOUNT
    return _refuse(desk, known, "forged", 404, "not found")


def _refuse(desk: AppState, account: str, reason: Refusal, status: int, words: str) -> Response:
    desk.counts.refused(account, reason)
    return PlainTextResponse(words, status)
