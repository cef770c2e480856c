"""What an event says: the body of the request. No number and no text of a person, unless its webhook includes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from campaigns.ledger.deliveries import Delivery
from campaigns.ledger.store import HASHED
from campaigns.lifecycle import Included
from dialer.transport.signed_posts import message_body, utc_text

LONG_NUMBER = re.compile(r"\d{7}")  # in a reason: it may be somebody's
CALL_FACTS = (
    *("id", "number", "status", "verdict", "outcome", "counted", "corrected"),
    *("dialing_at", "answered_at", "ended_at", "talk_seconds", "response"),
)


def body_of(event: Delivery, include: Collection[Included], *, shown: Callable[[str], str] = str) -> bytes:
    """The body of an event, as JSON in UTF-8; a number that is included is written as `shown` returns it."""
    data: dict[str, Any] = {"campaign": event.campaign_id or None}
    if event.campaign is not None:
        data["rehearsal"] = bool(event.campaign.rehearsal)
    facts = {name: _readable(name, value) for name, value in event.facts.items()}
    if event.attempt_id is not None:
        data["attempt"] = {"id": str(event.attempt_id), **facts}
        data["contact"] = _contact(event, include, shown)
    elif event.contact_id is not None:
        data["contact"] = _contact(event, include, shown) | facts | {"reason": _reason(event)}
        data["attempts"] = [_call(call) for call in event.calls]
    else:
        data |= facts | {"reason": _without_numbers(event.reason)}
    return message_body(event.kind, event.at, data)


def _contact(event: Delivery, include: Collection[Included], shown: Callable[[str], str]) -> dict[str, Any]:
    """Whom it is about, as far as the ledger still knows: nothing of those who were erased."""
    row = event.contact
    known = {"key": row.key or None, "line": row.line} if row is not None else {"key": None, "line": None}
    contact: dict[str, Any] = {"id": event.contact_id, **known}
    erased = row is None or row.phone.startswith(HASHED)
    if Included.PHONE in include:
        contact["phone"] = None if erased or row is None else shown(row.phone)
    if Included.TEXT in include:
        contact["text"] = None if erased or row is None else row.text
    if Included.FIELDS in include:
        contact["fields"] = {} if erased or row is None else row.fields
    return contact


def _reason(event: Delivery) -> str | None:
    """Why the contact has this status, unless it has another by now."""
    row = event.contact
    return None if row is None or row.status != event.facts.get("status") else _without_numbers(row.reason)


def _without_numbers(reason: str | None) -> str | None:
    return None if reason is None or LONG_NUMBER.search(reason) else reason


def _call(row: Row[Any]) -> dict[str, Any]:
    facts = {name: row._mapping[name] for name in CALL_FACTS}
    return {name: utc_text(value) if isinstance(value, datetime) else value for name, value in facts.items()} | {
        "id": str(row.id)
    }


def _readable(name: str, value: Any) -> Any:
    """A fact as JSON has it, from what a trigger of either store has written."""
    if value is not None and name.endswith(("_at", "_until")):
        moment = datetime.fromisoformat(value)
        return utc_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return bool(value) if name in {"counted", "short"} else value
