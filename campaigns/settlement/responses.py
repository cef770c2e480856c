"""What people meant who pressed a key, or whose call got a tag, by the responses of their campaign.

The last press of a call counts, by the times at which they were pressed, or as they came where one has no time. A
`stop` counts whatever was pressed after it: a person who said it once is not called again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from campaigns.definition import Definition
from campaigns.definition.sections.responses import ENDS_REMINDERS, STOP
from campaigns.ledger.moves import give_response, write_audit
from campaigns.ledger.numbers.erasures import shown_number
from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.receipts import keep_tags, receipts_of
from campaigns.ledger.store import HASHED
from campaigns.lifecycle import PROGRAM
from campaigns.settlement.reminders import end_reminders
from dialer.calls import Receipt

EARLY = datetime.min.replace(tzinfo=UTC)


def response_of(definition: Definition, heard: Sequence[Receipt]) -> str | None:
    """The response by the keys in the receipts of a call; None where no key with a meaning was pressed."""
    pressed = [receipt for receipt in heard if receipt.pressed]
    if all(receipt.occurred_at for receipt in pressed):
        pressed = sorted(pressed, key=lambda receipt: receipt.occurred_at or EARLY)
    meant = [name for receipt in pressed for word in receipt.pressed if (name := definition.response_to(word))]
    if STOP in meant:
        return STOP
    return meant[-1] if meant else None


def note_response(db: Connection, attempt: OpenAttempt, heard: Sequence[Receipt], *, now: datetime) -> None:
    """Keep what was pressed in a call, by all of its receipts; a `stop` puts the number on the suppression list."""
    if not any(receipt.pressed for receipt in heard) or not attempt.definition.responses:
        return
    response = response_of(attempt.definition, heard)
    if response is None or not give_response(db, attempt.id, attempt.contact_id, attempt.number, response):
        return
    if response in ENDS_REMINDERS:
        end_reminders(db, attempt.contact_id, response, now)
    if response == STOP and not attempt.phone.startswith(HASHED):  # one that was erased is on the list
        _suppress(db, attempt, now)


def hear_tags(db: Connection, attempt: OpenAttempt, tags: Sequence[str], *, now: datetime) -> None:
    """Keep the tags that the provider shows with a call, and what they mean."""
    if not tags or not attempt.definition.responses:
        return
    if keep_tags(db, attempt.account, attempt.id, attempt.provider_call_id, tags, now):
        note_response(db, attempt, receipts_of(db, attempt.id), now=now)


def _suppress(db: Connection, attempt: OpenAttempt, now: datetime) -> None:
    reason = f"said {STOP} in a call of {attempt.campaign_id}"
    if suppress(db, attempt.phone, reason=reason, source=PROGRAM, now=now):
        detail = f"{shown_number(attempt.phone)}: {reason}"
        write_audit(db, now, who=PROGRAM, event="suppression added", campaign_id=attempt.campaign_id, detail=detail)
