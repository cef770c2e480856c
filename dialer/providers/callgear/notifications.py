"""Notifications: what CallGear posts by templates that a user pastes into its client area, as receipts of ours.

Its notification server has no public document. From what integrators found: values are put in as JSON literals, a
missing one as null – or its variable stays as it was written, `{{like_this}}`; where a template has quotes around a
string, the vendor adds its own. All of that is read. Each event has a template of its own, which names the event.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from dialer.calls import Outcome, Progress, Receipt
from dialer.providers.bounds import TALK_SECONDS, amount
from dialer.providers.callgear.hangup_causes import outcome_of
from dialer.providers.parsing import member, parsed, uuid_of, word, words

VARIABLES = (
    "call_session_id",
    "external_id",
    "notification_mnemonic",
    "notification_time",
    "contact_phone_number",
    "virtual_phone_number",
    "direction",
    "leg_id",
    "talk_time_duration",
    "wait_time_duration",
    "total_time_duration",
    "lost_reason",
    "tag_names",
)

# The event that a template names, the event it is pasted at in the client area, and where the call is then. If it is
# the only one that ever comes, it says just that: how a call ended, its talk time and reason say, or do not.
EVENTS: Mapping[str, tuple[str, Progress | None]] = {
    "outbound": ("Outbound call", Progress.PLACED),
    "dialing": ("Waiting for answer", Progress.RINGING),
    "talk_started": ("Talk started", Progress.ANSWERED),
    "talk_finished": ("Talk finished", Progress.ANSWERED),
    "lost": ("Lost call", Progress.ENDED),
    "finished": ("Call finished", Progress.ENDED),
}

# For a body that no template of ours made: the mnemonics that are known from elsewhere.
MNEMONICS: Mapping[str, str] = {
    "lost_call_session": "lost",
    "call_session_finished": "finished",
    "call_connected": "talk_started",
}

_LEFT_OVER = re.compile(r'"?\{\{\s*[a-z0-9_]+\s*\}\}"?', re.IGNORECASE)
_TWICE_QUOTED = re.compile(r'""([^"\r\n]+)""')


def template(event: str) -> str:
    """The body to paste for one event: its variables without quotes, for the vendor brings those."""
    lines = [f'  "event": "{event}"', *(f'  "{name}": {{{{{name}}}}}' for name in VARIABLES)]
    return "{\n" + ",\n".join(lines) + "\n}"


def receipts_in(body: bytes) -> list[Receipt]:
    """The receipt of one notification; none where it holds nothing we can read. Never raises."""
    notice = parsed(body)
    notice = _repaired(body) if notice is None else notice
    call_id = word(member(notice, "call_session_id"))
    event = _event(notice)
    if call_id is None or event is None:
        return []
    progress = EVENTS[event][1] if event in EVENTS else None
    tags = _tags(notice)
    return [
        Receipt(
            event_id=_event_id(call_id, event, _text(notice, "leg_id"), *tags),
            provider_call_id=call_id,
            correlation_id=uuid_of(_text(notice, "external_id")),
            word=event,
            code=_text(notice, "lost_reason"),
            progress=progress,
            outcome=_outcome(notice) if progress is Progress.ENDED else None,
            occurred_at=None,  # its time is that of the account's zone, which is not known
            pressed=tags,
        )
    ]


def _tags(notice: Any) -> tuple[str, ...]:
    """The names of the call's tags: a list, or a text with commas; a variable that was left over is none."""
    tags = member(notice, "tag_names")
    return words(tags if isinstance(tags, list) else _text(notice, "tag_names"))


def _event(notice: Any) -> str | None:
    named = _text(notice, "event")
    mnemonic = _text(notice, "notification_mnemonic")
    return named or MNEMONICS.get((mnemonic or "").casefold(), mnemonic)


def _outcome(notice: Any) -> Outcome | None:
    """Answered, or what the reason proves alone.

    No document says whether a played message counts as a talk, nor whether a call without a talk that was answered is
    "lost": so neither a talk of no seconds nor the event proves that nobody answered.
    """
    if (amount(_text(notice, "talk_time_duration"), TALK_SECONDS) or 0) > 0:
        return Outcome.ANSWERED
    return outcome_of(_text(notice, "lost_reason"))


def _text(notice: Any, name: str) -> str | None:
    """A member as text; one that the vendor had no value for is none."""
    text = word(member(notice, name))
    return None if text is None or text == "null" or _LEFT_OVER.fullmatch(text) else text


def _repaired(body: bytes) -> Any:
    """The body with variables that were left over made null, and quotes that came twice made single."""
    try:
        text = body.decode("utf-8-sig")
        return json.loads(_TWICE_QUOTED.sub(r'"\1"', _LEFT_OVER.sub("null", text)))
    except (ValueError, RecursionError):
        return None


def _event_id(*parts: str | None) -> str:
    """The vendor gives a notification no id: call, event, leg and tags together identify a repeat."""
    return hashlib.sha256("\x1f".join(part or "" for part in parts).encode("utf-8", "replace")).hexdigest()[:32]
