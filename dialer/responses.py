"""Responses that a program of the user's posts: which key was pressed in which call, in a body of our own.

A flow of the provider that asks for a key, or anything else that hears one, posts
`{"correlation_id": "…", "key": "1"}`; `pressed_at` and `id` are optional.
"""

from __future__ import annotations

import hashlib
from typing import Any

from dialer.calls import Progress, Receipt
from dialer.providers.bounds import instant
from dialer.providers.parsing import member, parsed, uuid_of, word

KNOWN = ("correlation_id", "key", "pressed_at", "id")
EXAMPLE = '{"correlation_id": "…", "key": "1"}'


class BadResponse(ValueError):
    """The body is no response; the message says what is wrong with it."""


def response_in(body: bytes) -> Receipt:
    """The receipt of a pressed key, which proves that the call was answered. Raises BadResponse.

    The same body is the same event, however often it comes: a key that may be pressed twice needs `pressed_at` or `id`.
    """
    posted = parsed(body)
    if not isinstance(posted, dict):
        raise BadResponse(f"the body is no JSON object: post {EXAMPLE}")
    if unknown := sorted(str(name)[:40] for name in posted if name not in KNOWN):
        raise BadResponse(f"there is no {unknown[0]}: the names are {', '.join(KNOWN)}")
    attempt, key = uuid_of(posted.get("correlation_id")), word(posted.get("key"))
    if attempt is None:
        raise BadResponse("correlation_id is missing or no UUID: post the correlation id of the call's request")
    if key is None:
        raise BadResponse("key is missing: post what was pressed, or its name")
    pressed_at = instant(member(posted, "pressed_at"))
    if pressed_at is None and posted.get("pressed_at") is not None:
        raise BadResponse("pressed_at is no moment: post 2026-12-01T09:00:00Z")
    return Receipt(
        event_id=_event_id(posted, attempt, key),
        provider_call_id=None,
        correlation_id=attempt,
        word="pressed",
        code=key,
        progress=Progress.ANSWERED,
        outcome=None,
        occurred_at=pressed_at,
        pressed=(key,),
    )


def _event_id(posted: dict[str, Any], attempt: object, key: str) -> str:
    own = word(posted.get("id"))
    parts = [str(attempt), own] if own else [str(attempt), key, word(posted.get("pressed_at")) or ""]
    return "pressed:" + hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
