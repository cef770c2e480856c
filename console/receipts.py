"""The URLs to which providers post receipts, and flows the keys that people press.

Each delivery is stored durably before the reply 200, then applied.

The URL holds a secret and the body a phone number, so neither is ever logged; forged requests are counted only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.requests import ClientDisconnect

from campaigns.ledger.receipts import Delivery, are_stored
from console.server.body import TooLarge, read_body
from console.server.receipt_counts import NO_ACCOUNT, Refusal
from console.server.state import AppState, InjectedState
from dialer.calls import Receipt
from dialer.errors import DialerError
from dialer.log import get_logger
from dialer.metrics import RECEIPT_AGE
from dialer.providers.bounds import reading_for
from dialer.responses import BadResponse, response_in
from workers.secrets import RESPONSES

MAX_BODY_BYTES = 64 * 1024

log = get_logger()
router = APIRouter()


@router.head("/receipts/{account}/{secret}")
@router.head("/notifications/{account}/{secret}")
@router.head("/responses/{account}/{secret}")
async def check_url(account: str, secret: str, request: Request, state: InjectedState) -> Response:
    """200 for an account's receipt URL: providers check a URL before they save it."""
    if _is_receipt_url(request, account, secret, state):
        return PlainTextResponse("ok")
    return await _after_audit(state, _refuse_unknown_url(request, account, state))


@router.post("/receipts/{account}/{secret}")
@router.post("/notifications/{account}/{secret}")
@router.post("/responses/{account}/{secret}")
async def receive_delivery(account: str, secret: str, request: Request, state: InjectedState) -> Response:
    """Receive a delivery of receipts, or of a key that was pressed: 200 once it is stored; 503 to send it again."""
    if not _is_receipt_url(request, account, secret, state):
        return await _after_audit(state, _refuse_unknown_url(request, account, state))
    try:
        body = await read_body(request, MAX_BODY_BYTES)
    except TooLarge:
        return await _after_audit(
            state, _refuse(state, account, "too_large", 413, f"a delivery has at most {MAX_BODY_BYTES} bytes")
        )
    except ClientDisconnect:
        return await _after_audit(state, _refuse(state, account, "unreadable", 400, "the delivery was cut short"))
    response = _route(request) == RESPONSES
    return await _after_audit(state, await _store_delivery(state, account, body, dict(request.headers), response))


def _is_receipt_url(request: Request, account: str, secret: str, state: AppState) -> bool:
    return state.is_receipt_url(_route(request), account, secret)


def _route(request: Request) -> str:
    return request.url.path.split("/", 2)[1]


async def _after_audit(state: AppState, reply: Response) -> Response:
    if state.counts.audit.is_due(state.clock()):
        await to_thread.run_sync(state.audit_counts, limiter=state.receipt_threads)
    return reply


async def _store_delivery(
    state: AppState, account: str, body: bytes, headers: Mapping[str, str], response: bool
) -> Response:
    if not state.providers[account].genuine(body, headers):
        return _refuse(state, account, "unsigned", 401, "not signed as agreed")
    try:
        with reading_for(account):
            read = state.providers[account].read_receipts
            receipts = [response_in(body)] if response else read(body, headers)
    except BadResponse as exc:
        return _refuse(state, account, "unreadable", 400, str(exc))
    if not receipts or not all(map(_is_storable, receipts)):
        return _refuse(state, account, "unreadable", 400, "not a receipt")
    delivery = Delivery(account=account, heard=receipts, body=body.decode("utf-8", "replace"))
    try:
        new = await asyncio.shield(asyncio.wrap_future(state.receipt_writer.submit(delivery)))
    except Exception as exc:
        # Its text may quote the body: log the kind of error, and only a message that was written for people.
        fields = {"account": account, "error": type(exc).__name__, "why": getattr(exc, "message", "")}
        if not await to_thread.run_sync(_already_stored, state, account, receipts, limiter=state.receipt_threads):
            log.error("receipt not stored: its provider is asked to send it again", **fields)
            return _refuse(state, account, "not_stored", 503, "try again")
        log.warning("receipt stored but not applied: the sweep will", **fields)
        new = len(receipts)
    if new:
        _note_age(account, receipts, state)
    state.counts.count_stored(account, new=new, total=len({receipt.event_id for receipt in receipts}))
    return PlainTextResponse("ok")


def _note_age(account: str, receipts: Sequence[Receipt], state: AppState) -> None:
    now = state.clock()
    for receipt in receipts:
        if receipt.occurred_at is not None:
            RECEIPT_AGE.labels(account).observe(max(0.0, (now - receipt.occurred_at).total_seconds()))


def _is_storable(receipt: Receipt) -> bool:
    """False for a receipt whose texts hold a NUL or an unpaired surrogate, which no store accepts."""
    texts = (receipt.event_id, receipt.provider_call_id or "", receipt.word, receipt.code or "")
    return not any(char == "\0" or "\ud800" <= char <= "\udfff" for text in texts for char in text)


def _already_stored(state: AppState, account: str, receipts: Sequence[Receipt]) -> bool:
    """Ask the ledger, after an error that may have come before or after the commit."""
    events = {receipt.event_id for receipt in receipts}
    try:
        with state.ledger.reading() as db:
            return are_stored(db, account, events)
    except Exception as exc:
        why = exc.message if isinstance(exc, DialerError) else ""
        log.error("the ledger does not say whether a receipt is stored", error=type(exc).__name__, why=why)
        return False


def _refuse_unknown_url(request: Request, account: str, state: AppState) -> Response:
    """404; a wrong secret for responses is a wrong password too, and after some of them 429.

    A right one is never held back: a flow posts a pressed key once, and may share its address with others' flows.
    """
    known = account if account in state.settings.accounts else NO_ACCOUNT
    if _route(request) == RESPONSES:
        address, now = request.client.host if request.client else "", state.clock()
        if seconds := state.guard.seconds_to_wait(address, now):
            reply = _refuse(state, known, "forged", 429, "too many wrong addresses")
            reply.headers["Retry-After"] = str(seconds)
            return reply
        state.guard.count_wrong(address, now)
    return _refuse(state, known, "forged", 404, "not found")


def _refuse(state: AppState, account: str, reason: Refusal, status: int, text: str) -> Response:
    state.counts.count_refused(account, reason)
    return PlainTextResponse(text, status)
