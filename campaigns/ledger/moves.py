"""Status moves: each is one statement that also checks the prior status, so that late news changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    CursorResult,
    Delete,
    Table,
    Update,
    any_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from campaigns import lifecycle
from campaigns.ledger.bulk import insert_into
from campaigns.ledger.tables import attempts, audit, campaigns, contacts, faults, ticks
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
    """Move many attempts in one statement, each with the same columns; returns how many were moved.

    Where it matters which, lock them before.
    """
    in_order = sorted(facts)  # as all who lock many
    moves = [_bound(attempts, attempt_id, to, facts[attempt_id]) for attempt_id in in_order]
    if not moves:
        return 0
    statement, rows = moves[0][0], [values for _, values in moves]
    if db.dialect.name != "postgresql":
        return _rows(db.execute(statement, rows))
    computed = {name: value for name, value in facts[in_order[0]].items() if isinstance(value, ColumnElement)}
    given = tuple(name for name in facts[in_order[0]] if name not in computed)
    columns = {name: [row[name] for row in rows] for name in rows[0] if name != "to_status"}
    return _rows(db.execute(_of_arrays(attempts, to, given, tuple(computed.items())), {"to_status": to, **columns}))


def move_contacts(db: Connection, to: ContactStatus, contact_ids: Iterable[int], **facts: Any) -> int:
    """Move many contacts in one statement to a status that is not final; returns how many were moved."""
    computed = tuple((name, value) for name, value in facts.items() if isinstance(value, ColumnElement))
    given = {name: value for name, value in facts.items() if not isinstance(value, ColumnElement)}
    statement = _of_ids(contacts, to, tuple(given), computed, arrays=db.dialect.name == "postgresql")
    values = {f"to_{name}": value for name, value in given.items()}
    return _rows(db.execute(statement, {"many": sorted(contact_ids), "to_status": to, **values}))


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
    return _unmoved(table, to).where(table.c.id == bindparam("one")).values(_bindings(table, given) | dict(computed))


@lru_cache(maxsize=256)
def _of_ids(
    table: Table,
    to: AttemptStatus | ContactStatus,
    given: Sequence[str],
    computed: Sequence[tuple[str, ColumnElement[Any]]],
    *,
    arrays: bool,
) -> Update:
    """The same values for many rows."""
    of_ids = _locked_in_order(table, "many") if arrays else among(table.c.id, "many", arrays=False)
    return _unmoved(table, to).where(of_ids).values(_bindings(table, given) | dict(computed))


@lru_cache(maxsize=256)
def _of_arrays(
    table: Table,
    to: AttemptStatus | ContactStatus,
    given: Sequence[str],
    computed: Sequence[tuple[str, ColumnElement[Any]]],
) -> Update:
    """Values of its own for each row, a column of them in one array: PostgreSQL takes one statement for all."""
    arrays = [bindparam("one", type_=ARRAY(table.c.id.type))]
    arrays += [bindparam(f"to_{name}", type_=ARRAY(table.c[name].type)) for name in given]
    moved = func.unnest(*arrays).table_valued("id", *given).render_derived(name="moved")
    values = {name: moved.c[name] for name in given}
    statement = _unmoved(table, to).where(table.c.id == moved.c.id, _locked_in_order(table, "one"))
    return statement.values(_bindings(table, ()) | values | dict(computed))


def _locked_in_order(table: Table, name: str) -> ColumnElement[bool]:
    """Whether a row is among the ids of this parameter, which are locked in the order of all who lock many.

    Without it an update locks them as PostgreSQL's plan comes by them, and two of them may wait for each other.
    """
    many = select(table.c.id).where(among(table.c.id, name, arrays=True)).order_by(table.c.id)
    return table.c.id.in_(select(many.with_for_update(key_share=True).cte("locked").c.id))


def among(column: ColumnElement[Any], name: str, *, arrays: bool) -> ColumnElement[bool]:
    """Whether the column is among the values of this parameter.

    An array is one parameter, however many values there are: PostgreSQL plans such a statement once.
    """
    if arrays:
        return column == any_(bindparam(name, type_=ARRAY(column.type)))
    return column.in_(bindparam(name, expanding=True))


def _unmoved(table: Table, to: AttemptStatus | ContactStatus) -> Update:
    """An update of those that have not gone past this status."""
    before = lifecycle.attempts_before(to) if isinstance(to, AttemptStatus) else lifecycle.contacts_before(to)
    # No `in_`: it would be spelt out anew for each execution, and not be run with many rows at once.
    return update(table).where(or_(*(table.c.status == status for status in before)))


def _bindings(table: Table, given: Sequence[str]) -> dict[str, Any]:
    return {name: bindparam(f"to_{name}", type_=table.c[name].type) for name in ("status", *given)}


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


def give_response(db: Connection, attempt_id: UUID, contact_id: int, number: int, response: str) -> bool:
    """Keep the response of an attempt, and of its contact unless a later call of it has one; False if it is there."""
    given = updated_one(
        db,
        update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.response.is_distinct_from(response))
        .values(response=response),
    )
    if given:
        later = exists().where(
            attempts.c.contact_id == contact_id, attempts.c.number > number, attempts.c.response.is_not(None)
        )
        db.execute(update(contacts).where(contacts.c.id == contact_id, ~later).values(response=response))
    return given


def note_release(db: Connection, now: datetime) -> None:
    """Leave word that a release tick is at work."""
    first = insert_into(db, ticks).values(step=Step.RELEASE, at=now)
    db.execute(first.on_conflict_do_update(index_elements=["step"], set_={"at": now}))


def note_fault(db: Connection, step: Step, *, account: str, campaign_id: str, error: str, now: datetime) -> None:
    """Count what a step of the dialer's own raised. `error` names it without anybody's number or text."""
    key = {"step": step, "account": account, "campaign_id": campaign_id}
    first = insert_into(db, faults).values(**key, times=1, last_at=now, error=error)
    again = {"times": faults.c.times + 1, "last_at": now, "error": error}
    db.execute(first.on_conflict_do_update(index_elements=list(key), set_=again))
