"""Changes one contact of a campaign that goes on: its values, text, number or last moment, checked as at the start."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from campaigns.audience.audience import read_audience
from campaigns.audience.given_rows import columns_of, given_table, is_text
from campaigns.audience.rejects import Reject
from campaigns.audience.rows.contact_row import ContactRow
from campaigns.audience.rows.row_texts import CheckScript
from campaigns.definition import Definition
from campaigns.definition.column_names import comparable
from campaigns.launch.checking.account_checks import fallback_accounts
from campaigns.launch.checking.checks import provider_of_started
from campaigns.launch.checking.staging import new_contact
from campaigns.ledger import queries
from campaigns.ledger.lists.appends import add_zones, locked_for_append, moved_times, why_locked
from campaigns.ledger.lists.contacts import ContactLine, ContactRef, Outcome, contact_named, rewrite, version_of
from campaigns.ledger.moves import write_audit
from campaigns.ledger.numbers.suppressions import suppressed_among
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts
from campaigns.lifecycle import CALLED_CONTACTS, ChangedMeanwhile
from dialer.account_settings import AccountSettings
from dialer.errors import DialerError
from dialer.number_identity import spellings

CHANGED = ("phone", "consent", "fields", "text", "voice", "zone", "not_after")


class ChangeRefused(DialerError):
    """The contact could not be called so, and stays as it was. `column` names what is at fault, blank: the whole."""

    def __init__(self, message: str, remedy: str, *, column: str = "", code: str = "") -> None:
        super().__init__(message, remedy)
        self.facts = {"column": column, "code": code}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """New values of a contact; what is None stays. `fields` are by the names of columns, or as the text has them.

    A text given here stays until the fields are changed again.
    """

    fields: Mapping[str, Any] | None = None
    phone: str | None = None
    not_after: datetime | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeResult:
    """What became of a change; `contact` is how it stands now, `why` says why it is as it was, blank if it is changed.

    done       it waits, and has the new values
    before     it had these values already
    on_a_call  a call of it is under way
    over       it is final, or was withdrawn
    """

    contact: ContactLine
    outcome: Outcome
    why: str = ""


def change_contact(
    ledger: Ledger,
    campaign_id: str,
    ref: ContactRef,
    change: Change,
    accounts: Mapping[str, AccountSettings],
    *,
    who: str,
    now: datetime,
    versions: Collection[str] | None = None,
) -> ChangeResult:
    """Change a contact while it waits for a call. Its next call has the new values, also where a worker has it by now.

    The values are rendered and checked as at the start of the campaign. Raises NoSuchCampaign, NoSuchContact,
    SeveralContacts, ChangeRefused, BadRows, DefinitionFaults; ChangedMeanwhile when its version is none of `versions`.
    """
    return ledger.write(_change, campaign_id, ref, change, accounts, ledger, who, now, versions)


def _change(
    db: Connection,
    campaign_id: str,
    ref: ContactRef,
    change: Change,
    accounts: Mapping[str, AccountSettings],
    ledger: Ledger,
    who: str,
    now: datetime,
    versions: Collection[str] | None,
) -> ChangeResult:
    campaign = locked_for_append(db, queries.campaign(db, campaign_id).id)
    row = contact_named(db, campaign, ref, ledger, lock=True)
    if versions is not None and version_of(row) not in versions:
        raise ChangedMeanwhile(f"{ref} has changed: it is {row.status}", "look at it again")
    if why := why_locked(row):
        outcome = Outcome.ON_A_CALL if row.status in CALLED_CONTACTS else Outcome.OVER
        return ChangeResult(contact=ContactLine.of(row), outcome=outcome, why=why)
    read = _read_again(row, change, campaign.definition, accounts)
    values = _values(read, ledger)
    if all(getattr(row, name) == value for name, value in values.items()):
        return ChangeResult(contact=ContactLine.of(row), outcome=Outcome.BEFORE, why="it has these values already")
    if read.e164 != row.phone:
        _check_number(db, campaign, row, read, ledger, now)
    rewrite(db, row.id, {**values, **moved_times(campaign.definition, row, values, now)})
    add_zones(db, campaign, [values["zone"]])
    name = f"key {row.key}" if row.key else f"line {row.line}"
    write_audit(db, now, who=who, event="contact changed", campaign_id=campaign.id, detail=name)
    changed = db.execute(select(contacts).where(contacts.c.id == row.id)).one()
    return ChangeResult(contact=ContactLine.of(changed), outcome=Outcome.DONE)


def _read_again(
    row: Row[Any], change: Change, definition: Definition, accounts: Mapping[str, AccountSettings]
) -> ContactRow:
    """The contact with its new values, read as a row of the list. Raises ChangeRefused, BadRows, DefinitionFaults."""
    provider = provider_of_started(definition, accounts)
    audience = read_audience(
        definition, given_table(definition, [_row_of(row, change, definition)]), check_script=provider.check_script
    )
    (read,) = audience.rows()
    if isinstance(read, Reject):
        where = f"{read.column}: " if read.column else ""
        raise ChangeRefused(f"{where}{read.reason}", read.suggestion, column=read.column, code=read.code)
    if change.not_after is not None or definition.contacts.not_after is None:
        read = read._replace(not_after=change.not_after or row.not_after)
    if change.text is not None:
        read = _with_text(read, change.text, definition, provider.check_script)
    elif change.fields is None:
        read = read._replace(text=row.text)  # which may have been given as it is
    for fallback in fallback_accounts(definition, accounts):
        fallback.check(read)
        for fault in fallback.faults(definition):
            raise ChangeRefused(fault.message, fault.suggestion)
    return read._replace(key=row.key)


def _row_of(row: Row[Any], change: Change, definition: Definition) -> dict[str, Any]:
    """The contact as a row of the list, with its new values. Raises ChangeRefused."""
    columns = definition.contacts
    names = {comparable(name): name for name in row.fields}
    fixed = {comparable(name): "its number is not among its fields" for name in columns.phone}
    if columns.key is not None:
        fixed[comparable(columns.key)] = "its key names it, and stays"
    values = dict(row.fields)
    known = {**names, **{comparable(name): name for name in (*columns_of(definition), *columns.columns)}}
    for name, value in (change.fields or {}).items():
        if comparable(str(name)) not in known:
            near = difflib.get_close_matches(comparable(str(name)), known, n=1)
            remedy = f"did you mean {known[near[0]]}?" if near else f"there are: {', '.join(known.values())}"
            raise ChangeRefused(f"the contact has no column {str(name)[:60]!r}", remedy, column=str(name))
        if reason := fixed.get(comparable(str(name))):
            raise ChangeRefused(f"{name} cannot be changed so: {reason}", "leave it out", column=str(name))
        values[names.get(comparable(str(name)), name)] = value
    if change.not_after is not None and columns.not_after is not None:
        values[names.get(comparable(columns.not_after), columns.not_after)] = change.not_after
    if columns.key is not None:
        values[names.get(comparable(columns.key), columns.key)] = row.key
    return values | {columns.phone[0]: row.phone if change.phone is None else change.phone}


def _with_text(read: ContactRow, text: str, definition: Definition, check_script: CheckScript) -> ContactRow:
    if definition.template is None:
        raise ChangeRefused("the campaign speaks no text", "leave the text out", column="text")
    if definition.speaks_of_reminder:
        raise ChangeRefused(
            "the text says which reminder it is, and is made anew for each", "change its fields", column="text"
        )
    if not text.strip() or not is_text(text):
        raise ChangeRefused("the text is blank, or has characters that are none", "write it again", column="text")
    if fault := check_script(definition.script(text, read.voice)):
        raise ChangeRefused(fault.reason, fault.suggestion, column="text", code=fault.code)
    return read._replace(text=text)


def _values(read: ContactRow, ledger: Ledger) -> dict[str, Any]:
    values = new_contact(read)._asdict()
    return {name: values[name] for name in CHANGED} | {"phone_hash": ledger.keyed_hash(read.e164)}


def _check_number(
    db: Connection, campaign: Campaign, row: Row[Any], read: ContactRow, ledger: Ledger, now: datetime
) -> None:
    """Raises ChangeRefused where the new number is not to be called, or another contact has it."""
    listed = suppressed_among(db, [read.e164], account=campaign.account, forms=ledger.forms, now=now)
    for _, reason in listed.values():
        raise ChangeRefused(f"the number is on the suppression list: {reason}", "give another", column="phone")
    may_repeat = campaign.definition.contacts.standing and row.key
    same = (contacts.c.campaign_id == campaign.id, contacts.c.phone.in_(spellings(read.e164)), contacts.c.id != row.id)
    if not may_repeat and db.execute(select(contacts.c.id).where(*same).limit(1)).first():
        raise ChangeRefused(f"another contact of {campaign.id} has this number", "withdraw one of them", column="phone")
