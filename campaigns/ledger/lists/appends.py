"""Adds contacts to a campaign that has started, and changes those that wait, in one transaction for a batch of rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from campaigns.definition import Definition
from campaigns.ledger import queries
from campaigns.ledger.claims import lock_campaign
from campaigns.ledger.lists.contacts import rewrite
from campaigns.ledger.lists.drafts import WrittenContact, first_due
from campaigns.ledger.lists.rejected_rows import last_rejected_line
from campaigns.ledger.numbers.erasures import take_erasure_lock
from campaigns.ledger.numbers.suppressions import suppressed_among
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import campaigns, contacts
from campaigns.lifecycle import CALLED_CONTACTS, LIVE_CAMPAIGNS, WAITING_CONTACTS, CampaignStatus, ContactStatus
from dialer.errors import DialerError
from dialer.number_identity import identity, spellings

COMPARED = ("phone", "consent", "fields", "voice", "zone", "not_after")


class CannotAppend(DialerError):
    """The campaign takes no contacts: its list is still being read, or it is over, or it was closed."""


class RowFate(StrEnum):
    """What became of a row that was appended."""

    ADDED = "added"  # it is a new contact
    CHANGED = "changed"  # the contact of its key waits, and has its values now
    SAME = "same"  # the contact is there, with the same values
    LEFT = "left"  # it was not taken, and `reason` says why


@dataclass(frozen=True, slots=True)
class AppendedRow:
    """What became of one row, by its line in the list; `contact_id` is None for one that was left."""

    line: int
    key: str
    fate: RowFate
    contact_id: int | None = None
    reason: str = ""


@dataclass(kw_only=True)
class _Present:
    """The contacts that a campaign has of some keys and of some phones."""

    by_key: dict[str, Row[Any]]
    by_phone: dict[str, Row[Any]]
    suppressed: Mapping[str, tuple[str, str]]


def locked_for_append(db: Connection, campaign_id: str) -> Campaign:
    """The campaign, locked: it neither ends nor releases contacts, nor is anybody erased, until this transaction ends.

    Call it before any contact is locked.
    """
    take_erasure_lock(db)
    lock_campaign(db, campaign_id)
    return queries.campaign(db, campaign_id)


def append_rows(
    db: Connection,
    campaign: Campaign,
    written: Sequence[WrittenContact],
    *,
    ledger: Ledger,
    now: datetime,
    urgent: Collection[str] = (),
) -> list[AppendedRow]:
    """Append checked rows, due at once, to a campaign that is locked; what became of each, in their order.

    No two rows have the same key, and none the same number without one. A row with a key changes the contact of that
    key as long as it waits. Without a key, a number that is there already is left. `urgent` are the keys of those that
    are claimed before others: one that is there becomes so, and none ceases to be. Raises CannotAppend.
    """
    refuse_unless_open(campaign)
    present = _present(db, campaign, written, ledger, now)
    results: list[AppendedRow | None] = []
    new: list[dict[str, Any]] = []
    base = _last_line(db, campaign)
    for row in written:
        values = _values(row, ledger)
        values["urgent"] = values["key"] in urgent
        result = _of_present(db, values, row[0], present, definition=campaign.definition, now=now)
        results.append(result)
        if result is None:
            new.append(values | {"line": base + len(new) + 1})
    ids = iter(_insert(db, campaign, new, now))
    places = zip(written, results, strict=True)
    return [result or AppendedRow(row[0], row[-1], RowFate.ADDED, next(ids)) for row, result in places]


def _last_line(db: Connection, campaign: Campaign) -> int:
    """About the last line of the campaign's list, and after all that was appended."""
    counted = campaign.contacts + campaign.rejects + 1
    if not campaign.definition.contacts.where:
        return counted
    return max(counted, last_rejected_line(db, campaign.id))  # rows that it leaves out are not counted as rejects


def refuse_unless_open(campaign: Campaign) -> None:
    """Raises CannotAppend unless the campaign takes contacts now."""
    if campaign.status is CampaignStatus.DRAFT:
        raise CannotAppend(f"{campaign.id} has not started: its list is still being read", "append when it has")
    if campaign.status not in LIVE_CAMPAIGNS:
        raise CannotAppend(f"{campaign.id} is {campaign.status} and takes no contacts", "start a campaign over them")
    if campaign.closed_at is not None:
        raise CannotAppend(f"{campaign.id} was closed and takes no contacts", "start another standing campaign")


def _present(
    db: Connection, campaign: Campaign, written: Sequence[WrittenContact], ledger: Ledger, now: datetime
) -> _Present:
    keys, phones = [row[-1] for row in written if row[-1]], [row[1] for row in written]
    by_key = db.execute(_of_keys(), {"campaign": campaign.id, "keys": keys}).all() if keys else []
    # In a standing campaign each key is an occasion of its own, however many there were for the number.
    may_repeat = campaign.definition.contacts.standing
    once = [row[1] for row in written if not (may_repeat and row[-1])]
    numbers = [spelling for phone in once for spelling in spellings(phone)]
    by_phone = db.execute(_of_numbers(), {"campaign": campaign.id, "numbers": numbers}).all() if numbers else []
    return _Present(
        by_key={row.key: row for row in by_key},
        by_phone={identity(row.phone): row for row in by_phone},
        suppressed=suppressed_among(db, phones, account=campaign.account, forms=ledger.forms, now=now),
    )


@cache
def _of_keys() -> Select[Any]:
    """Kept, as the next one: to build it takes longer than to run it."""
    of_keys = (contacts.c.key.in_(bindparam("keys", expanding=True)), contacts.c.key != "")
    return _of_campaign().where(*of_keys).with_for_update()


@cache
def _of_numbers() -> Select[Any]:
    return _of_campaign().where(contacts.c.phone.in_(bindparam("numbers", expanding=True)))


def _of_campaign() -> Select[Any]:
    return select(contacts).where(contacts.c.campaign_id == bindparam("campaign")).order_by(contacts.c.id)


def _values(row: WrittenContact, ledger: Ledger) -> dict[str, Any]:
    _, phone, consent, fields, text, voice, zone, not_after, _, key = row
    return {
        "phone": phone,
        "phone_hash": ledger.keyed_hash(phone),
        "consent": consent,
        "fields": json.loads(fields),
        "text": text,
        "voice": json.loads(voice) if voice else None,
        "zone": zone,
        "not_after": not_after,
        "key": key,
    }


def _of_present(
    db: Connection,
    values: Mapping[str, Any],
    line: int,
    present: _Present,
    *,
    definition: Definition,
    now: datetime,
) -> AppendedRow | None:
    """What becomes of a row by what is there already; None for a new contact."""
    may_repeat = definition.contacts.standing
    key, phone = values["key"], values["phone"]
    if phone in present.suppressed:
        return AppendedRow(line, key, RowFate.LEFT, None, f"on the suppression list: {present.suppressed[phone][1]}")
    same_phone, row = present.by_phone.get(identity(phone)), present.by_key.get(key) if key else None
    if row is None and same_phone is not None and not (may_repeat and key):
        same = not key and not same_phone.key and _equal(same_phone, values)
        fate = RowFate.SAME if same else RowFate.LEFT
        reason = "" if same else f"the same number is in the campaign already, {_place(same_phone)}"
        return AppendedRow(line, key, fate, same_phone.id if same else None, reason)
    if row is None:
        return None
    becomes_urgent = values["urgent"] and not row.urgent and not why_locked(row)
    if _equal(row, values) and not becomes_urgent:
        return AppendedRow(line, key, RowFate.SAME, row.id)
    other = same_phone if same_phone is not None and same_phone.id != row.id and not may_repeat else None
    if other is not None:
        return AppendedRow(line, key, RowFate.LEFT, None, f"the same number is in the campaign, {_place(other)}")
    if reason := why_locked(row):
        return AppendedRow(line, key, RowFate.LEFT, None, reason)
    urgent = {"urgent": values["urgent"] or row.urgent}
    rewrite(db, row.id, {**values, **urgent, **moved_times(definition, row, values, now)})
    return AppendedRow(line, key, RowFate.CHANGED, row.id)


def moved_times(definition: Definition, row: Row[Any], values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """When a contact whose values change is due: of another appointment all reminders that are still to come."""
    same = (row.not_after, row.zone) == (values["not_after"], values["zone"])
    if not definition.reminders or same:
        return {}
    return first_due(definition, values["zone"], values["not_after"], now)


def why_locked(row: Row[Any]) -> str:
    """Why a contact cannot be changed any more; blank while it waits."""
    if row.status in CALLED_CONTACTS:
        return "a call of it is under way"
    if row.withdrawal is not None:
        return f"it was withdrawn: {row.withdrawal}"
    return "" if row.status in WAITING_CONTACTS else f"it is {row.status}: {row.reason}"


def _equal(row: Row[Any], values: Mapping[str, Any]) -> bool:
    return all(getattr(row, name) == values[name] for name in COMPARED)


def _place(row: Row[Any]) -> str:
    return f"with the key {row.key!r}" if row.key else f"in line {row.line}"


def _insert(db: Connection, campaign: Campaign, new: Sequence[Mapping[str, Any]], now: datetime) -> list[int]:
    if not new:
        return []
    definition = campaign.definition
    waiting = {"campaign_id": campaign.id, "status": ContactStatus.PENDING, "attempts": 0, "tries": 0}
    added = insert(contacts).returning(contacts.c.id, sort_by_parameter_order=True)
    due = [first_due(definition, values["zone"], values["not_after"], now) for values in new]
    rows = [dict(values) | waiting | first for values, first in zip(new, due, strict=True)]
    ids = list(db.scalars(added, rows))
    counted = update(campaigns).where(campaigns.c.id == campaign.id)
    db.execute(counted.values(contacts=campaigns.c.contacts + len(new)))
    add_zones(db, campaign, {values["zone"] for values in new})
    return ids


def add_zones(db: Connection, campaign: Campaign, zones: Collection[str]) -> None:
    """Note zones that contacts of the campaign, which is locked, are in: their windows are looked at."""
    if more := set(zones) - set(campaign.zones):
        all_zones = sorted({*campaign.zones, *more})
        db.execute(update(campaigns).where(campaigns.c.id == campaign.id).values(zones=all_zones))
