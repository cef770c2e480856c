"""Status moves: each is one statement that also checks the prior status, so that late news changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Delete,
    Table,
    Update,
    bindparam,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from campaigns import lifecycle
from campaigns.ledger.tables import attempts, audit, campaigns, contacts, faults
from campaigns.lifecycle import PROGRAM, AttemptStatus, CampaignStatus, ContactStatus, PauseKind, Step

UNHELD = {"held_by": None, "hold_kind": None, "held_until": None}


def move_attempt(db: Connection, attempt_id: UUID, to: AttemptStatus, **facts: Any) -> bool:
    """Move an attempt along its lifecycle; False if it has already gone past."""
    return _move(db, attempts, attempt_id, to, facts)


def move_contact(db: Connection, contact_id: int, to: ContactStatus, now: datetime, **facts: Any) -> bool:
    """Move a contact along its lifecycle; False if it has already gone past. A final status is stamped."""
    if to in lifecycle.FINAL_CONTACTS:
        facts = as_final(now) | facts
    return _move(db, contacts, contact_id, to, facts)


def as_final(now: datetime) -> dict[str, Any]:
    """The columns that go with a contact's final status: when, and that no worker has it claimed."""
    return {"final_at": now, "claim": None, "lease_until": None}


def move_attempts(db: Connection, to: AttemptStatus, facts: Mapping[UUID, Mapping[str, Any]]) -> int:
    """Move many attempts at once, each with the same columns; returns how many were moved.

    Where it matters which, lock them before.
    """
    return _move_all(db, attempts, to, facts)


def move_contacts(db: Connection, to: ContactStatus, facts: Mapping[int, Mapping[str, Any]]) -> int:
    """Move many contacts at once to a status that is not final; returns how many were moved."""
    return _move_all(db, contacts, to, facts)


def _move_all(
    db: Connection,
    table: Table,
    to: AttemptStatus | ContactStatus,
    facts: Mapping[UUID, Mapping[str, Any]] | Mapping[int, Mapping[str, Any]],
) -> int:
    moves = [_bound(table, row_id, to, columns) for row_id, columns in facts.items()]
    if not moves:
        return 0
    return _rows(db.execute(moves[0][0], [values for _, values in moves]))


def _move(
    db: Connection, table: Table, row_id: UUID | int, to: AttemptStatus | ContactStatus, facts: Mapping[str, Any]
) -> bool:
    statement, values = _bound(table, row_id, to, facts)
    return _rows(db.execute(statement, values)) == 1


def _bound(
    table: Table, row_id: UUID | int, to: AttemptStatus | ContactStatus, facts: Mapping[str, Any]
) -> tuple[Update, dict[str, Any]]:
    computed = tuple((name, value) for name, value in facts.items() if isinstance(value, ColumnElement))
    given = {name: value for name, value in facts.items() if not isinstance(value, ColumnElement)}
    values = {f"to_{name}": value for name, value in given.items()}
    return _statement(table, to, tuple(given), computed), {"one": row_id, "to_status": to, **values}


@lru_cache(maxsize=256)
def _statement(
    table: Table,
    to: AttemptStatus | ContactStatus,
    given: Sequence[str],
    computed: Sequence[tuple[str, ColumnElement[Any]]],
) -> Update:
    """Kept, for it takes longer to build than to run, and every call is moved some times."""
    before = lifecycle.attempts_before(to) if isinstance(to, AttemptStatus) else lifecycle.contacts_before(to)
    values = {name: bindparam(f"to_{name}", type_=table.c[name].type) for name in ("status", *given)}
    # No `in_`: it would be spelt out anew for each execution, and not be run with many rows at once.
    unmoved = (table.c.id == bindparam("one"), or_(*(table.c.status == status for status in before)))
    return update(table).where(*unmoved).values(values | dict(computed))


def lock_contact(db: Connection, contact_id: int) -> None:
    """Lock a contact until this transaction ends, so that what is read of it stays true until then."""
    db.execute(select(contacts.c.id).where(contacts.c.id == contact_id).with_for_update())


def move_campaign(
    db: Connection,
    campaign_id: str,
    to: CampaignStatus,
    now: datetime,
    *,
    who: str,
    reason: str | None = None,
    pause_kind: PauseKind | None = None,
    only_from: Sequence[CampaignStatus] | None = None,
) -> bool:
    """Move a campaign and write an audit line with who and why; False when its status does not allow it.

    `pause_kind` goes with a pause, and with a pause only. `only_from` narrows the statuses it may come from.
    """
    stamps: Mapping[CampaignStatus, dict[str, datetime]] = {
        CampaignStatus.FINISHED: {"finished_at": now},
        CampaignStatus.CANCELLED: {"finished_at": now},
    }
    done = updated_one(
        db,
        update(campaigns)
        .where(campaigns.c.id == campaign_id, campaigns.c.status.in_(only_from or lifecycle.campaigns_before(to)))
        .values(status=to, reason=reason, pause_kind=pause_kind, since=now, **UNHELD, **stamps.get(to, {})),
    )
    if done:
        write_audit(db, now, who=who, event=moved_to(to), campaign_id=campaign_id, detail=reason or "")
    return done


def moved_to(status: CampaignStatus) -> str:
    """The audit's event of a campaign that was moved to this status."""
    return f"campaign {status}"


def pause(db: Connection, campaign_id: str, kind: PauseKind, now: datetime, *, reason: str) -> bool:
    """Let the program itself pause a campaign; False when its status does not allow it."""
    return move_campaign(db, campaign_id, CampaignStatus.PAUSED, now, who=PROGRAM, reason=reason, pause_kind=kind)


def write_audit(
    db: Connection, now: datetime, *, who: str, event: str, campaign_id: str | None = None, detail: str = ""
) -> None:
    """Write an audit line."""
    db.execute(insert(audit).values(at=now, who=who, event=event, campaign_id=campaign_id, detail=detail))


def updated_one(db: Connection, statement: Update) -> bool:
    """Run a compare-and-set; True when the row was as expected."""
    return row_count(db, statement) == 1


def row_count(db: Connection, statement: Update | Delete) -> int:
    """Run an update or a delete; how many rows it changed."""
    return _rows(db.execute(statement))


def _rows(result: CursorResult[Any]) -> int:
    return result.rowcount


def note_fault(db: Connection, step: Step, *, account: str, campaign_id: str, error: str, now: datetime) -> None:
    """Count what a step of the dialer's own raised. `error` names it without anybody's number or text."""
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    key = {"step": step, "account": account, "campaign_id": campaign_id}
    first = insert(faults).values(**key, times=1, last_at=now, error=error)
    again = {"times": faults.c.times + 1, "last_at": now, "error": error}
    db.execute(first.on_conflict_do_update(index_elements=list(key), set_=again))
