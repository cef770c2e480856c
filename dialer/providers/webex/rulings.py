"""What Webex Connect's answers mean: by code, then by HTTP status, then by whether it said anything at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from dialer.calls import Progress
from dialer.http import HttpReply
from dialer.providers.parsing import READ_LENGTH, member, parsed, scrubbed, word
from dialer.providers.provider import PolicyRow
from dialer.providers.rules import Rule, by_status, retry_after
from dialer.providers.webex.words import (
    BLAMES_CONTACT,
    CALL_STATUSES,
    CODES,
    NAMES_DESTINATION,
    PARTIAL,
    POLICY,
    REFUSED_UNTOLD,
    REJECTED,
    SPOKEN_500,
    STATUSES,
    UNSAID,
    folded,
)
from dialer.verdicts import Ruling, Verdict

A_SECOND = 1.0  # its limits are per second
_PARAMETER = re.compile(r"(?:[:\-–]\s*|\bparameter\s+)([A-Za-z][\w.\[\]]{0,60})\W*$", re.IGNORECASE)


def placing_ruling(reply: HttpReply) -> Ruling:
    """The ruling on the answer to a request for one call."""
    body = parsed(reply.body)
    call_id = word(member(body, "messageId"))
    if 200 <= reply.status < 300:
        return _accepted(reply, body, call_id)
    return replace(fault_ruling(reply), provider_call_id=call_id)


def fault_ruling(reply: HttpReply) -> Ruling:
    """The ruling on an answer that is no success."""
    body = parsed(reply.body)
    code, message = word(member(body, "code")), member(body, "message")
    if code is None and not isinstance(message, str):
        return by_status(reply, STATUSES)
    return _spoken(reply, code, message)


def rows() -> Iterator[PolicyRow]:
    """The whole table, for people."""
    for code, rule in CODES.items():
        yield PolicyRow(mnemonic=rule.name, code=code, verdict=rule.verdict, note=rule.note)
    name = f"{BLAMES_CONTACT.name} on the destination"
    yield PolicyRow(mnemonic=name, code="7004", verdict=BLAMES_CONTACT.verdict, note=BLAMES_CONTACT.note)
    yield PolicyRow(mnemonic=POLICY.name, code="90xx", verdict=POLICY.verdict, note=POLICY.note)
    for rule, code in ((REFUSED_UNTOLD, "200, 201"), (PARTIAL, "206"), (UNSAID, "200, 201")):
        yield PolicyRow(mnemonic=rule.name, code=code, verdict=rule.verdict, note=rule.note)
    for status, rule in STATUSES.items():
        yield PolicyRow(mnemonic=f"http_{status}", code=str(status), verdict=rule.verdict, note=rule.note)
    yield PolicyRow(mnemonic="http_500", code="500 with a message", verdict=SPOKEN_500.verdict, note=SPOKEN_500.note)


def _accepted(reply: HttpReply, body: Any, call_id: str | None) -> Ruling:
    """By its status: queued or rejected, says the document; one that says that all is over is no acceptance."""
    status, message = folded(word(member(body, "status")) or ""), scrubbed(member(body, "message"))
    partial = reply.status == 206 or status.startswith("partial") or folded(message).startswith("partial")
    over = CALL_STATUSES.get(status, (None, None))[0] is Progress.ENDED
    if call_id and not partial and not over:
        return Ruling(verdict=Verdict.PLACED, provider_call_id=call_id)
    if not partial and (word(member(body, "code")) or "") in CODES:
        return replace(fault_ruling(reply), provider_call_id=call_id)
    if not partial and status == REJECTED:
        return _untold(REFUSED_UNTOLD, reply, call_id, message)
    return _untold(PARTIAL if partial else UNSAID, reply, call_id, message)


def _untold(rule: Rule, reply: HttpReply, call_id: str | None, message: str) -> Ruling:
    """The ruling of a rule without a code. An unconfirmed one has no mnemonic: that would be the provider's failure."""
    return Ruling(
        verdict=rule.verdict,
        provider_call_id=call_id,
        mnemonic=None if rule.verdict is Verdict.UNCONFIRMED else rule.name,
        code=str(reply.status),
        detail=f"{rule.note} (HTTP {reply.status})" + (f": {message}" if message else ""),
    )


def _spoken(reply: HttpReply, code: str | None, message: Any) -> Ruling:
    parameter = _parameter(message)
    rule = _rule(code or "", reply.status, message)
    unnamed = by_status(reply, STATUSES)
    if rule is None:
        text = scrubbed(message)
        detail = f"{unnamed.detail}: {text}" if text else unnamed.detail
        return replace(unnamed, code=code or unnamed.code, detail=detail)
    wait = retry_after(reply)
    if rule.verdict is Verdict.THROTTLED and wait is None:
        wait = A_SECOND
    return Ruling(
        verdict=rule.verdict,
        mnemonic=rule.name or unnamed.mnemonic,
        code=code or unnamed.code,
        detail=f"{rule.note} ({parameter})" if parameter else rule.note,
        field=parameter,
        blames_script=rule.blames_script,
        retry_after=wait,
    )


def _rule(code: str, status: int, message: Any) -> Rule | None:
    unknown = code not in CODES
    if (code == "7004" and _blames_destination(message)) or (status == 400 and unknown and _mentions_it(message)):
        return BLAMES_CONTACT
    if not unknown:
        return CODES[code]
    if re.fullmatch(r"90\d\d", code):
        return POLICY
    return SPOKEN_500 if status == 500 else None


def _parameter(message: Any) -> str | None:
    """The parameter that a message names at its end: `Invalid parameter - sendAt`, `Invalid parameter: msisdn`."""
    match = _PARAMETER.search(message[:READ_LENGTH]) if isinstance(message, str) else None
    name = match[1].rstrip(".") if match else ""
    return None if re.search(r"\d{5}", name) else name or None


def _blames_destination(message: Any) -> bool:
    names = set(re.split(r"[.\[\]\d]+", (_parameter(message) or "").casefold()))
    return bool(names & NAMES_DESTINATION) and "correlationid" not in names


def _mentions_it(message: Any) -> bool:
    words = re.findall(r"[a-z]+", message[:READ_LENGTH].casefold()) if isinstance(message, str) else []
    return "msisdn" in words or "destination" in words
