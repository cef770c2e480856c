"""What is held about one person, in every campaign, table and archive and in this machine's files, to be handed over.

What concerns others is masked or left out: their numbers, and the names of the people who work here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Text, and_, or_, select, type_coerce

from campaigns.audience.files.download import downloaded_lists
from campaigns.audience.files.open_list import all_records
from campaigns.audience.kept_lists import kept_lists
from campaigns.ledger.lists.archives import all_archives
from campaigns.ledger.lists.drafts import name_of_test_call
from campaigns.ledger.lists.rejected_rows import rejected_rows_with
from campaigns.ledger.moves import write_audit
from campaigns.ledger.numbers.erasures import ERASED
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import (
    attempts,
    audit,
    campaigns,
    contacts,
    deliveries,
    erasures,
    idempotency_keys,
    receipts,
    schedules,
    suppressions,
)
from campaigns.lifecycle import PROGRAM
from campaigns.operations.archives.archived_persons import ArchivedContact, find_in_archives
from campaigns.operations.retention.old_files import OURS
from dialer.errors import DialerError
from dialer.phone import NUMBER_IN_TEXT, PhoneNumber, mask, mentions

EVENT = "person exported"
STAFF = "a person who works here"
PROGRAMS = ("token ", "schedule ", "account ")
SAID_IN_TEST_CALLS = ("line", "fields", "text", "voice")
CONTACT = (
    *("line", "key", "phone", "status", "reason", "corrected", "withdrawal", "consent", *SAID_IN_TEST_CALLS[1:]),
    *("given", "zone", "not_after", "due_at", "urgent", "attempts", "tries", "final_at", "response", "reminder"),
)
ATTEMPT = (
    *("id", "number", "account", "provider", "caller_id", "status", "verdict", "outcome", "mnemonic", "code", "detail"),
    *("corrected", "provider_call_id", "zone", "local_time", "allowed_by", "scheduled_at", "dialing_at", "send_at"),
    *("placed_at", "answered_at", "ended_at", "talk_seconds", "next_attempt_at"),
    *("response", "reminder", "short", "variant", "script_seconds", "queued_at", "counted", "confirmed_by", "ended_by"),
)
RECEIPT = ("account", "word", "code", "progress", "outcome", "occurred_at", "received_at", "pressed", "body")
Held = dict[str, Any]


def export_person(ledger: Ledger, number: PhoneNumber, data_dir: Path, *, who: str, now: datetime) -> Held:
    """All that is held about the person with this number, as JSON can say it; a line of the audit says that it was.

    Also what is left of a person who was erased, or whose time was over. `data_dir` has the files of this machine.
    """
    held: Held = {"number": number.e164, "exported_at": now.isoformat()}
    with ledger.snapshot() as db:
        rows = _contacts_with(db, ledger.forms(number.e164))
        held |= _in_the_ledger(db, ledger, number, rows)
        lists = [*kept_lists(data_dir.absolute()), *_downloaded(db)]
        noted = all_archives(db)
    archived = find_in_archives(noted, ledger.hashes(number.e164))
    moved = [each for each in archived.contacts if each.contact.id not in {row.id for row in rows}]
    own_forms = set(number.spellings)
    held["contacts"] += [_archived(each, own_forms) for each in moved]
    with ledger.reading() as db:
        lines = _audit_lines(db, ledger, number, [*rows, *(each.contact for each in moved)])
    held["audit"] = [_line(row, own_forms) for row in lines]
    held["archives_elsewhere"] = list(archived.elsewhere)
    held |= _in_files(number, data_dir.absolute() / "reports", lists, [each["campaign"] for each in held["contacts"]])
    held["unreadable_files"] += [_shown(file) for file in archived.unreadable]
    ledger.write(write_audit, now, who=who, event=EVENT, detail=ledger.keyed_hash(number.e164))
    return held


def _contacts_with(db: Connection, forms: Sequence[str]) -> Sequence[Row[Any]]:
    of_campaign = (campaigns.c.name.label("campaign_name"), campaigns.c.rehearsal)
    return db.execute(
        select(contacts, *of_campaign)
        .join(campaigns, campaigns.c.id == contacts.c.campaign_id)
        .where(contacts.c.phone.in_(forms))
        .order_by(campaigns.c.created_at, contacts.c.id)
    ).all()


def _in_the_ledger(db: Connection, ledger: Ledger, number: PhoneNumber, rows: Sequence[Row[Any]]) -> Held:
    forms = ledger.forms(number.e164)
    ids = [row.id for row in rows]
    own_forms = set(number.spellings)
    waiting = db.execute(select(erasures).where(erasures.c.contact_id.in_(ids))).all()
    keys = db.execute(select(idempotency_keys).where(idempotency_keys.c.contact_id.in_(ids))).all()
    events = db.execute(select(deliveries).where(deliveries.c.contact_id.in_(ids)).order_by(deliveries.c.id)).all()
    entries = db.execute(select(suppressions).where(suppressions.c.phone.in_(forms)).order_by(suppressions.c.id)).all()
    return {
        "contacts": [_contact(db, row, own_forms) for row in rows],
        "test_calls": [_said(row) for row in rows for row in _test_calls(db, row)],
        "rejected_rows": [
            {"campaign": row.campaign_id, "line": row.line, "reason": _masked(row.reason, own_forms), "row": row.cells}
            for row in rejected_rows_with(db, number)
        ],
        "suppressions": [_entry(row, own_forms) for row in entries],
        "erasures_waiting": [{"asked_at": _plain(row.asked_at), "by": _who(row.who)} for row in waiting],
        "receipts_of_no_call": [_facts(row, RECEIPT, own_forms) for row in _unmatched(db, number)],
        "events": [
            {"campaign": row.campaign_id, "kind": row.kind, "to": row.webhook, "at": _plain(row.at), "state": row.state}
            for row in events
        ],
        "requests": [{"by": _who(row.who), "at": _plain(row.at)} for row in keys],
    }


def _contact(db: Connection, row: Row[Any], own: set[str]) -> Held:
    calls = db.execute(select(attempts).where(attempts.c.contact_id == row.id).order_by(attempts.c.number)).all()
    told: dict[UUID, list[Row[Any]]] = {call.id: [] for call in calls}
    heard = select(receipts).where(receipts.c.attempt_id.in_(list(told))).order_by(receipts.c.id)
    for receipt in db.execute(heard):
        told[receipt.attempt_id].append(receipt)
    return _with_calls(row, calls, told, own, rehearsal=bool(row.rehearsal))


def _archived(each: ArchivedContact, own: set[str]) -> Held:
    facts = _with_calls(each.contact, each.calls, each.receipts, own, rehearsal=each.rehearsal)
    return {"archive": _shown(each.manifest)} | facts


def _with_calls(
    row: Any, calls: Sequence[Any], told: Mapping[Any, Sequence[Any]], own: set[str], *, rehearsal: bool
) -> Held:
    return {
        "campaign": row.campaign_id,
        "rehearsal": rehearsal,
        **_facts(row, CONTACT, own, whole=("fields", "given", "text", "voice", "consent", "key", "phone")),
        "calls": [
            _facts(call, ATTEMPT, own, whole=("caller_id",))
            | {"receipts": [_facts(receipt, RECEIPT, own) for receipt in told[call.id]]}
            for call in calls
        ],
    }


def _test_calls(db: Connection, row: Row[Any]) -> Sequence[Row[Any]]:
    """Calls to a test number of ours, with the text of this contact: they have the same line of the list."""
    of_tests = select(campaigns.c.id).where(campaigns.c.name == name_of_test_call(row.campaign_name))
    same_line = (contacts.c.campaign_id.in_(of_tests), contacts.c.line == row.line)
    return db.execute(select(contacts).where(*same_line).order_by(contacts.c.id)).all()


def _said(row: Row[Any]) -> Held:
    return {"campaign": row.campaign_id} | {name: _plain(getattr(row, name)) for name in SAID_IN_TEST_CALLS}


def _unmatched(db: Connection, number: PhoneNumber) -> Sequence[Row[Any]]:
    named: list[ColumnElement[bool]] = [receipts.c.body.contains(form.removeprefix("+")) for form in number.spellings]
    return db.execute(select(receipts).where(receipts.c.attempt_id.is_(None), or_(*named))).all()


def _audit_lines(db: Connection, ledger: Ledger, number: PhoneNumber, rows: Sequence[Any]) -> list[Row[Any]]:
    """Lines that name a contact of the person by its id, line or key, or the number by its hash."""
    names: dict[str, list[str]] = {}
    for row in rows:
        keyed = [row.key] if row.key else []
        names.setdefault(row.campaign_id, []).extend([f"contact {row.id}", f"line {row.line}", *keyed])
    hashed = type_coerce(audit.c.detail, Text).in_(ledger.hashes(number.e164))
    query = select(audit).where(or_(hashed, and_(audit.c.campaign_id.in_(list(names)), audit.c.detail.is_not(None))))
    return [
        line
        for line in db.execute(query.order_by(audit.c.id))
        if line.detail in ledger.hashes(number.e164)
        or any(_names(line.detail, name) for name in names.get(line.campaign_id, ()))
    ]


def _names(detail: str, name: str) -> bool:
    """Whether a detail is about this contact: it is its name, or begins with it."""
    return detail == name or detail.startswith((f"{name}:", f"{name},", f"{name} "))


def _line(row: Row[Any], own: set[str]) -> Held:
    return {"at": _plain(row.at), "by": _who(row.who), "what": row.event, "detail": _masked(row.detail, own)}


def _entry(row: Row[Any], own: set[str]) -> Held:
    facts = _facts(row, ("account", "reason", "added_at", "expires_at"), own)
    return facts | {"by": _who(row.source), "number": ERASED if row.phone not in own else row.phone}


def _facts(row: Any, names: Sequence[str], own: set[str], whole: Sequence[str] = ()) -> Held:
    """What a row says, but what is blank; in texts that may name others their numbers are masked."""
    facts = {name: getattr(row, name) for name in names}
    return {
        name: _plain(value) if name in whole or not isinstance(value, str) else _masked(value, own)
        for name, value in facts.items()
        if value not in (None, "", {})
    }


def _masked(text: str, own: set[str]) -> str:
    digits = {form.removeprefix("+") for form in own}
    return NUMBER_IN_TEXT.sub(
        lambda match: match.group() if match.group().removeprefix("+") in digits else mask(match.group()), text
    )


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _who(who: str) -> str:
    """A program's name, or that it was a person: who works here is not told."""
    return who if who == PROGRAM or who.startswith(PROGRAMS) else STAFF


def _downloaded(db: Connection) -> list[Path]:
    recurring = db.execute(select(schedules.c.file, schedules.c.name)).all()
    return [file for row in recurring for file in downloaded_lists(Path(row.file).parent, row.name)]


def _in_files(number: PhoneNumber, folder: Path, lists: Sequence[Path], campaign_ids: Sequence[str]) -> Held:
    """The reports of the person's campaigns, the rows of rejects and kept lists that name them, and what is unreadable.

    Reports say what the ledger says: they are named only.
    """
    reports, rows, unreadable = [], [], []
    for file in sorted(folder.glob("*.csv")):
        named = OURS.fullmatch(file.name)
        if named and not file.name.endswith("-rejects.csv") and named["campaign"] in campaign_ids:
            reports.append(file.name)
    for file in [*sorted(folder.glob("*-rejects.csv")), *lists]:
        try:
            read = _rejected(file) if file.name.endswith("-rejects.csv") else _listed(file)
            rows += [
                {"file": _shown(file), "row": list(row)} for row in read if any(mentions(cell, number) for cell in row)
            ]
        except (DialerError, OSError, csv.Error, UnicodeError):
            unreadable.append(_shown(file))
    return {"report_files": reports, "rows_in_files": rows, "unreadable_files": unreadable}


def _shown(file: Path) -> str:
    """A file by its folder and name: no path of this machine is handed over."""
    return "/".join(file.parts[-2:])


def _rejected(file: Path) -> Iterator[Sequence[str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        yield from csv.reader(stream)


def _listed(file: Path) -> Iterator[Sequence[str]]:
    for record in all_records(file):
        yield list(map(str, record.cells))


def as_text(held: Mapping[str, Any]) -> str:
    """The same for people to read: a line for each fact, what belongs together under one heading."""
    lines = [f"What is held about {held['number']}", f"as of {held['exported_at']}", ""]
    for name, value in held.items():
        if name not in ("number", "exported_at"):
            lines += [*_written(name, value, 0), ""]
    return "\n".join(lines)


def _written(name: str, value: Any, depth: int) -> Iterator[str]:
    """A fact and what is under it, each level further in."""
    label, before = name.replace("_", " "), "  " * depth
    if isinstance(value, Mapping):
        yield f"{before}{label}:"
        for key, inner in value.items():
            yield from _written(key, inner, depth + 1)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for place, inner in enumerate(value, 1):
            yield from _written(f"{label} {place} of {len(value)}", inner, depth)
    elif isinstance(value, list | tuple):
        yield f"{before}{label}: {', '.join(map(str, value)) if value else 'none'}"
    else:
        yield f"{before}{label}: {value}"
