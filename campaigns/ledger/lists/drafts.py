"""Puts a campaign into the ledger: as a draft that is not dialed, contact by contact, then started in one move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Dialect,
    Select,
    delete,
    func,
    insert,
    select,
    update,
)

from campaigns.calendar.reminders import next_reminder
from campaigns.definition import Definition
from campaigns.ledger import bulk, claims
from campaigns.ledger.moves import move_campaign, pause, row_count, updated_one
from campaigns.ledger.numbers import erasures
from campaigns.ledger.numbers.spellings import every_spelling
from campaigns.ledger.queries import parse_definition
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import campaigns, contacts, rejected_rows
from campaigns.lifecycle import LIVE_CAMPAIGNS, CampaignStatus, ContactStatus, PauseKind
from dialer.errors import DialerError
from dialer.number_identity import spellings
from dialer.phone import mask

COLUMNS = ("line", "phone", "phone_hash", "consent", "fields", "text", "voice", "zone", "not_after", "given", "key")
"""What differs between the contacts of a draft."""
ContactValues = tuple[object, ...]
"""The values of these columns for one contact."""
WrittenContact = tuple[int, str, str | None, str, str | None, str | None, str, datetime | None, str | None, str]
"""The same without the hash, in this order; fields, voice and given are JSON."""
ABANDONED = timedelta(hours=1)  # a draft that nobody has written to for so long is removed
DISCARDED_AT_ONCE = 5000
SUPPRESSED_AT_ONCE = 1000
SUFFIX = "-test"
LONGEST_NAME = 60


class DraftGone(DialerError):
    """A draft that was not filled in time has been cleared away, or is not whole; nothing was started."""


class NewContact(NamedTuple):
    """A checked contact before it enters the ledger: E.164 number, text to speak, zone."""

    line: int
    phone: str
    fields: Mapping[str, str]
    text: str | None
    zone: str
    not_after: datetime | None
    consent: str | None = None
    voice: Mapping[str, str] | None = None
    key: str = ""
    given: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        return f"Admitted({self.line}, {mask(self.phone)})"


def live_campaign_named(db: Connection, name: str, *, lock: bool = False) -> str | None:
    """The id of a campaign of this name that has not ended, or None.

    With `lock`, other callers wait for this transaction's end, and then see what it has started.
    """
    if lock and db.dialect.name == "postgresql":  # SQLite has one writer at a time
        # The name is locked, for there may be no row yet; and before the query, which sees the rows as it began.
        db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    named = select(campaigns.c.id).where(campaigns.c.name == name, campaigns.c.status.in_(LIVE_CAMPAIGNS))
    campaign_id: str | None = db.scalar(named.order_by(campaigns.c.id).limit(1))
    return campaign_id


def called_by_another(db: Connection, name: str, phones: Sequence[str], *, own: str | None = None) -> dict[str, str]:
    """Which of these numbers a campaign of this name that has not ended calls, with its id; `own` is not asked."""
    by_spelling = {spelling: phone for phone in phones for spelling in spellings(phone)}
    called = db.execute(_called(name, list(by_spelling)))
    return {by_spelling[row.phone]: row.campaign_id for row in called if row.campaign_id != own}


def called_by_another_too(db: Connection, campaign_id: str, name: str) -> str | None:
    """A campaign of this name that has not ended and calls one of the draft's contacts too, or None."""
    draft = contacts.alias("draft")
    phones = every_spelling(draft.c.phone, draft.c.campaign_id == campaign_id)
    row = db.execute(_called(name, phones).limit(1)).first()
    return row.campaign_id if row else None


def _called(name: str, phones: Sequence[str] | CompoundSelect[tuple[str]]) -> Select[tuple[str, str]]:
    calls = select(contacts.c.phone, contacts.c.campaign_id).join(campaigns, campaigns.c.id == contacts.c.campaign_id)
    return calls.where(campaigns.c.name == name, campaigns.c.status.in_(LIVE_CAMPAIGNS), contacts.c.phone.in_(phones))


def create_draft(
    db: Connection,
    *,
    name: str,
    account: str,
    definition_text: str,
    now: datetime,
    rehearsal: bool = False,
    list_columns: Sequence[Sequence[str | None]] | None = None,
) -> str:
    """Open a draft; returns its id, `NAME-NUMBER`."""
    number = (db.scalar(select(func.count()).where(campaigns.c.name == name)) or 0) + 1
    while db.execute(select(campaigns.c.id).where(campaigns.c.id == f"{name}-{number}")).first():
        number += 1
    campaign_id = f"{name}-{number}"
    db.execute(
        insert(campaigns).values(
            id=campaign_id,
            name=name,
            account=account,
            rehearsal=rehearsal,
            status=CampaignStatus.DRAFT,
            since=now,
            definition=definition_text,
            list_columns=list_columns,
            zones=[],
            created_at=now,
        )
    )
    return campaign_id


def as_written(contact: NewContact) -> WrittenContact:
    """A new contact as it is written, except for what depends on the ledger and on the moment."""
    return written_contact(*contact)


def written_contact(
    line: int,
    phone: str,
    fields: Mapping[str, str],
    text: str | None,
    zone: str,
    not_after: datetime | None,
    consent: str | None,
    voice: Mapping[str, str] | None,
    key: str,
    given: Mapping[str, str] | None = None,
) -> WrittenContact:
    """What `as_written` makes of a NewContact with these values, without one."""
    said = _json(voice) if voice else None
    return line, phone, consent, _json(fields), text, said, zone, not_after, _json(given) if given else None, key


def _json(texts: Mapping[str, str]) -> str:
    """An object of texts as JSON: what `json.dumps` makes of it, in a third of the time."""
    return _json_of(tuple(texts)) % tuple(map(quoted, texts.values()))


@lru_cache(maxsize=256)
def _json_of(names: tuple[str, ...]) -> str:
    """JSON of an object with these names, and a place for each value."""
    return "{" + ", ".join([quoted(name).replace("%", "%%") + ": %s" for name in names]) + "}"


def add_contacts(
    db: Connection,
    campaign_id: str,
    admitted: Sequence[NewContact],
    *,
    keyed_hash: Callable[[str], str],
    now: datetime,
) -> None:
    """Add contacts to the draft created at `now`, due at once. Raises DraftGone when it is no draft any more."""
    columns = (campaigns.c.definition, campaigns.c.account)
    draft = db.execute(select(*columns).where(campaigns.c.id == campaign_id)).one_or_none()
    if draft is None:
        raise DraftGone(f"there is no campaign {campaign_id}", "start it again")
    definition = parse_definition(draft.definition, draft.account)
    values = _values_of(db.dialect, keyed_hash, definition, now)
    add_rows(db, campaign_id, [values(as_written(contact)) for contact in admitted], now)


def values_of(ledger: Ledger, definition: Definition, now: datetime) -> Callable[[WrittenContact], ContactValues]:
    """What makes of a contact what `add_rows` takes: before its transaction begins, so that other writers wait less."""
    return _values_of(ledger.engine.dialect, ledger.keyed_hash, definition, now)


def _values_of(
    dialect: Dialect, keyed_hash: Callable[[str], str], definition: Definition, now: datetime
) -> Callable[[WrittenContact], ContactValues]:
    """With `due_at` and `reminder` at their end, where contacts are reminded of an appointment."""
    moment = _moments(dialect)

    def values(contact: WrittenContact) -> ContactValues:
        line, phone, consent, fields, text, voice, zone, not_after, given, key = contact
        last = not_after and moment(not_after)
        return line, phone, keyed_hash(phone), consent, fields, text, voice, zone, last, given, key

    def reminded(contact: WrittenContact) -> ContactValues:
        *_, zone, not_after, _given, _key = contact
        due = first_due(definition, zone, not_after, now)
        return *values(contact), moment(due["due_at"]), due["reminder"]

    return reminded if definition.reminders else values


def first_due(definition: Definition, zone: str, appointment: datetime | None, now: datetime) -> dict[str, Any]:
    """When a new contact is due, and for which reminder: at once, or for the first that can be told at its time."""
    if not definition.reminders or appointment is None:
        return {"due_at": now, "reminder": None}
    due = next_reminder(definition, zone, appointment, now=now)
    return {"due_at": due.due_at, "reminder": due.number}


def _moments(dialect: Dialect) -> Callable[[datetime], object]:
    """Turns a moment into what the store's driver takes."""
    return contacts.c.due_at.type.bind_processor(dialect) or (lambda value: value)


def add_rows(
    db: Connection,
    campaign_id: str,
    rows: Sequence[ContactValues],
    now: datetime,
    written_at: datetime | None = None,
) -> None:
    """Add these contacts to the draft created at `now`, due at once unless they say when. Raises DraftGone when it is
    no draft any more.

    `written_at` renews the draft's lease: it tells others that its launch goes on.
    """
    erasures.take_erasure_lock(db)  # an erasure sees all of these contacts from its first statement on, or none
    added = {"since": written_at or now, "contacts": campaigns.c.contacts + len(rows)}
    held = update(campaigns).where(*_this_draft(campaign_id, now)).values(**added)
    if not updated_one(db, held):
        raise _gone(campaign_id)
    waiting: dict[str, Any] = {"status": ContactStatus.PENDING.value, "attempts": 0, "tries": 0}
    columns: tuple[str, ...] = COLUMNS
    if rows and len(rows[0]) > len(COLUMNS):
        columns = (*COLUMNS, "due_at", "reminder")
    else:
        waiting["due_at"] = _moments(db.dialect)(now)
    bulk.insert_rows(db, contacts, {"campaign_id": campaign_id, **waiting}, columns, rows)


def refuse_unless_draft(db: Connection, campaign_id: str, created_at: datetime) -> None:
    """Lock the draft created at `created_at`. Raises DraftGone when it is no draft any more."""
    if not db.execute(select(campaigns.c.id).where(*_this_draft(campaign_id, created_at)).with_for_update()).first():
        raise _gone(campaign_id)


def suppress(ledger: Ledger, campaign_id: str, account: str, now: datetime) -> None:
    """Give the draft's contacts on the suppression list their final status, some at a time: others write meanwhile."""
    with ledger.reading() as db:
        listed = claims.suppressed_of_draft(db, campaign_id, account, now)
    for first in range(0, len(listed), SUPPRESSED_AT_ONCE):
        ledger.write_draft(_suppress, listed[first : first + SUPPRESSED_AT_ONCE], account, now)


def _suppress(db: Connection, contact_ids: Sequence[int], account: str, now: datetime) -> None:
    erasures.take_erasure_lock(db)
    claims.suppress_waiting(db, contact_ids, account, now)


def start(
    db: Connection,
    campaign_id: str,
    *,
    zones: Iterable[str],
    rejects: int,
    rejects_file: str | None,
    who: str,
    now: datetime,
    account: str | None = None,
    admitted: int | None = None,
    is_suppressed: bool = False,
    second_person_above: int | None = None,
    started_for: str | None = None,
) -> None:
    """Start a draft, now or at its moment; from here on its contacts and its definition are locked.

    One with more contacts than `second_person_above` is paused at once, unless it is a rehearsal: a person other than
    `who`, or than the one `started_for` whom `who` acts, has to resume it.
    `account`: with which it dials, where it was not known yet when the draft was created.
    `is_suppressed`: `suppress` has gone through it; who is suppressed after that is met by the look before each call.
    Raises DraftGone when it is no draft any more, or has not as many contacts as were `admitted`.
    """
    erasures.take_erasure_lock(db)
    # Locked from the first statement on: it is not discarded or replaced while it is counted.
    wanted = (campaigns.c.account, campaigns.c.contacts, campaigns.c.definition, campaigns.c.rehearsal)
    locked = select(*wanted).where(*_this_draft(campaign_id, now)).with_for_update()
    draft = db.execute(locked).first()
    if draft is None:
        raise _gone(campaign_id)
    if not is_suppressed:
        claims.suppress_at_launch(db, campaign_id, draft.account, now)
    erasures.empty_admitted(db, campaign_id)
    count = draft.contacts
    if admitted is None:  # its contacts were not added by `add_rows`, which keeps their number
        count = db.scalar(select(func.count()).where(contacts.c.campaign_id == campaign_id)) or 0
    elif count != admitted:
        raise DraftGone(f"{campaign_id} has {count} of its {admitted} contacts", "start again")
    definition = parse_definition(draft.definition, draft.account)
    facts = {
        "contacts": count,
        "zones": sorted(zones),
        "rejects": rejects,
        "rejects_file": rejects_file,
        "started_at": now,
        "started_by": started_for or who,
        "starts_at": definition.starts_at,
        "ends_at": definition.ends_at,
        "urgent": definition.urgent,
        "hands_over": definition.schedule.vendor_queue,
        "account": account or draft.account,
    }
    db.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(**facts))
    later = definition.starts_at is not None and definition.starts_at > now
    to = CampaignStatus.SCHEDULED if later else CampaignStatus.RUNNING
    move_campaign(db, campaign_id, to, now, who=who, reason="started")
    if second_person_above is not None and count > second_person_above and not draft.rehearsal:
        why = f"a second person has to confirm a start with more than {second_person_above:,} contacts"
        pause(db, campaign_id, PauseKind.SECOND_PERSON, now, reason=why)


def _this_draft(campaign_id: str, created_at: datetime) -> tuple[ColumnElement[bool], ...]:
    """Identified by its creation time too: the id of a discarded draft is given to the next of its name."""
    draft = campaigns.c.status == CampaignStatus.DRAFT
    return campaigns.c.id == campaign_id, draft, campaigns.c.created_at == created_at


def _gone(campaign_id: str) -> DraftGone:
    message = f"{campaign_id} is no draft any more: it has started, was cancelled, or was not written to for an hour"
    return DraftGone(message, "start again")


def abandoned_drafts(db: Connection, now: datetime) -> Sequence[tuple[str, datetime]]:
    """Drafts whose launch was killed, each with its creation time."""
    old = (campaigns.c.status == CampaignStatus.DRAFT, campaigns.c.since < now - ABANDONED)
    return [(row.id, row.created_at) for row in db.execute(select(campaigns.c.id, campaigns.c.created_at).where(*old))]


def discard_draft(db: Connection, campaign_id: str, created_at: datetime) -> bool:
    """Remove a draft, a bounded number of contacts at a time; True when nothing of it is left."""
    draft = _this_draft(campaign_id, created_at)
    if not db.execute(select(campaigns.c.id).where(*draft).with_for_update()).first():
        return True
    batch = select(contacts.c.id).where(contacts.c.campaign_id == campaign_id).limit(DISCARDED_AT_ONCE)
    removed = row_count(db, delete(contacts).where(contacts.c.id.in_(batch)))
    if removed == DISCARDED_AT_ONCE:
        db.execute(update(campaigns).where(*draft).values(contacts=campaigns.c.contacts - removed))
        return False
    of_draft = select(rejected_rows.c.id).where(rejected_rows.c.campaign_id == campaign_id).limit(DISCARDED_AT_ONCE)
    if row_count(db, delete(rejected_rows).where(rejected_rows.c.id.in_(of_draft))) == DISCARDED_AT_ONCE:
        return False
    db.execute(delete(campaigns).where(*draft))
    return True


def clear_abandoned(ledger: Ledger, now: datetime) -> None:
    """Remove the drafts of launches that were killed."""
    with ledger.reading() as db:
        abandoned = abandoned_drafts(db, now)
    for campaign_id, created_at in abandoned:
        discard(ledger, campaign_id, created_at)


def discard(ledger: Ledger, campaign_id: str, created_at: datetime) -> None:
    """Remove the draft created at `created_at` with its contacts, in transactions of bounded size."""
    while not ledger.write(discard_draft, campaign_id, created_at):
        pass


def name_of_test_call(campaign: str) -> str:
    """What the test calls of a campaign of this name are called."""
    return campaign[: LONGEST_NAME - len(SUFFIX)] + SUFFIX


def is_test_call(campaign: str) -> bool:
    """Whether a campaign of this name is a test call, or cannot be told from one."""
    return campaign.endswith(SUFFIX)
