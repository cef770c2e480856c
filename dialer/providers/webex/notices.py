"""Reads what Webex Connect posts to the notify URL: deliveries, as receipts of ours."""

from __future__ import annotations

import hashlib
from typing import Any

from dialer.calls import Receipt
from dialer.providers.bounds import instant
from dialer.providers.parsing import member, parsed, uuid_of, word
from dialer.providers.webex.words import EVENT_WORDS, EVENTS, REJECTED, REJECTIONS, Event, folded

_SEPARATOR = "\x1f"


def receipts_in(body: bytes) -> list[Receipt]:
    """The receipts of one delivery; none where it holds nothing we can read. Never raises."""
    content = parsed(body)
    notices = content if isinstance(content, list) else [content]
    receipts = (_receipt(member(_lowered(notice), "deliveryinfonotification")) for notice in notices)
    return [receipt for receipt in receipts if receipt]


def _lowered(value: Any, depth: int = 3) -> Any:
    """A delivery with its names in lower case: the provider writes `Description` here and `correlationid` there."""
    if not isinstance(value, dict) or depth == 0:
        return value
    return {str(name).lower(): _lowered(part, depth - 1) for name, part in value.items()}


def _receipt(notice: Any) -> Receipt | None:
    info = member(notice, "deliveryinfo")
    status, code = word(member(info, "deliverystatus")), word(member(info, "code"))
    if status is None and code is None:
        return None
    call_id, correlation = word(member(notice, "transid")), word(member(notice, "correlationid"))
    stamp = word(member(info, "timestamp"))
    progress, outcome = _event(status, code)
    return Receipt(
        event_id=_event_id(call_id or correlation, code, status, stamp),
        provider_call_id=call_id,
        correlation_id=uuid_of(correlation),
        word=status or "",
        code=code,
        progress=progress,
        outcome=outcome,
        occurred_at=instant(stamp),
    )


def _event(status: str | None, code: str | None) -> Event:
    known_word, known_code = folded(status or ""), code or ""
    if known_word == REJECTED and known_code in REJECTIONS:
        return REJECTIONS[known_code]
    return EVENTS.get(known_code) or EVENT_WORDS.get(known_word, (None, None))


def _event_id(*parts: str | None) -> str:
    """The provider gives a receipt no id: a repeated one must get the same id again."""
    return hashlib.sha256(_SEPARATOR.join(part or "" for part in parts).encode("utf-8", "replace")).hexdigest()[:32]
