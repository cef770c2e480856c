"""Counts of contacts and attempts, kept by the ledger itself: how a campaign stands is read, whatever its size.

What is over is tallied: triggers of the store add a row to `contact_tallies` and `attempt_tallies` in the transaction
that ends, corrects or removes a contact or an attempt, whoever does it. No two transactions write the same row, so
nobody waits for another's; `fold` adds the rows up from time to time. What goes on is counted itself: it is as much as
the workers have in hand, and an index has nothing else.

What priced attempts cost is added up in `cost_tallies` in the same way.

An attempt's row has the minute in which it was made. `fold` counts it in `call_times` too, by the minute and by the
hour: what charts are drawn from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Function,
    Integer,
    Select,
    Table,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    tuple_,
    union_all,
)

from campaigns.ledger.bulk import insert_into
from campaigns.ledger.costs import cost_of_attempt
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import (
    FOLDED,
    HAS_PRICE,
    UNFOLDED,
    archives,
    attempt_tallies,
    attempts,
    call_times,
    campaigns,
    contact_tallies,
    contacts,
    cost_tallies,
    response_tallies,
)
from campaigns.lifecycle import MISSED_CONTACTS, TAKEN_CONTACTS, AttemptStatus, ContactStatus

FOLD_FROM = 1000  # rows: fewer are added up by whoever reads them
FOLDED_AT_ONCE = 5000
LONG_NUMBER = "*" + "[0-9]" * 7 + "*"  # as GLOB has it
TALLIES = (contact_tallies, attempt_tallies, response_tallies, cost_tallies)
OF_ATTEMPTS = (attempt_tallies, cost_tallies)
NOT_KEYS = frozenset({"id", "number", "folded", "minute"})
MINUTE, HOUR = 60, 3600  # the spans of `call_times`, in seconds
MINUTES_KEPT = timedelta(days=2)
EPOCH = {
    "sqlite": "CAST(strftime('%s', dialing_at) AS INTEGER)",
    "postgresql": "CAST(floor(extract(epoch FROM dialing_at)) AS INTEGER)",
}


class ReasonCount(NamedTuple):
    """How many contacts have this final status for this reason.

    The reason is blank where none was kept, or where it holds a long number: that may be somebody's.
    """

    status: ContactStatus
    reason: str
    contacts: int


class AttemptCount(NamedTuple):
    """How many attempts are equal in all of this. `outcome` and `ended_by` are blank where there is none."""

    status: AttemptStatus
    outcome: str
    counted: bool
    ended_by: str
    number: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A tally that is not what a count of the rows themselves gives: `key` by its columns."""

    table: str
    key: Mapping[str, Any]
    tallied: int
    counted: int


def contacts_by_status(db: Connection, campaign_id: str) -> dict[ContactStatus, int]:
    """The campaign's contacts counted by status; a status that no contact has is left out."""
    return contacts_by_campaign(db, campaigns.c.id == campaign_id).get(campaign_id, {})


def contacts_by_campaign(db: Connection, which: ColumnElement[bool]) -> dict[str, dict[ContactStatus, int]]:
    """The same for each campaign that meets the condition, by its id."""
    ids = select(campaigns.c.id).where(which)
    total = _sum(contact_tallies)
    tallied = (contact_tallies.c.campaign_id, contact_tallies.c.status)
    ended = select(*tallied, total).where(contact_tallies.c.campaign_id.in_(ids)).group_by(*tallied)
    taken = (
        select(contacts.c.campaign_id, literal(status.value), func.count())
        .where(contacts.c.campaign_id.in_(ids), contacts.c.status == status)
        .group_by(contacts.c.campaign_id)
        for status in TAKEN_CONTACTS
    )
    everybody = select(campaigns.c.id, literal(""), campaigns.c.contacts).where(which)
    counts: dict[str, dict[str, int]] = {}
    # One statement, so that all is of one moment.
    for campaign_id, status, number in db.execute(union_all(ended, *taken, everybody)):
        counts.setdefault(campaign_id, {})[status] = int(number)
    return {campaign_id: _with_waiting(by_status) for campaign_id, by_status in counts.items()}


def contacts_of_campaigns(db: Connection, ids: Sequence[str]) -> dict[str, dict[ContactStatus, int]]:
    """The same for these campaigns, by their ids."""
    return contacts_by_campaign(db, campaigns.c.id.in_(ids))


def _with_waiting(counts: dict[str, int]) -> dict[ContactStatus, int]:
    """Of all contacts, which are counted under no status, those that are neither over nor taken wait."""
    waiting = counts.pop("", 0) - sum(counts.values())
    by_status = {ContactStatus(status): number for status, number in counts.items()}
    return {status: number for status, number in (by_status | {ContactStatus.PENDING: waiting}).items() if number}


def reasons_not_reached(db: Connection, campaign_id: str, limit: int | None = None) -> list[ReasonCount]:
    """Why contacts were not reached, the most frequent reason first; all reasons, or the first `limit` of them."""
    total = _sum(contact_tallies)
    query = (
        select(contact_tallies.c.status, contact_tallies.c.reason, total)
        .where(contact_tallies.c.campaign_id == campaign_id, contact_tallies.c.status.in_(MISSED_CONTACTS))
        .group_by(contact_tallies.c.status, contact_tallies.c.reason)
        .having(total != 0)
        .order_by(total.desc(), contact_tallies.c.status, contact_tallies.c.reason)
        .limit(limit)
    )
    return [ReasonCount(ContactStatus(status), reason, int(number)) for status, reason, number in db.execute(query)]


def contacts_by_response(db: Connection, campaign_id: str) -> dict[str, int]:
    """The campaign's contacts counted by what they pressed, the most frequent first."""
    total = _sum(response_tallies)
    query = (
        select(response_tallies.c.response, total)
        .where(response_tallies.c.campaign_id == campaign_id)
        .group_by(response_tallies.c.response)
        .having(total != 0)
        .order_by(total.desc(), response_tallies.c.response)
    )
    return {str(response): int(number) for response, number in db.execute(query)}


def attempt_counts(db: Connection, campaign_id: str) -> list[AttemptCount]:
    """The campaign's attempts, counted by what they have in common."""
    tallied = attempt_tallies.c
    by = (tallied.status, tallied.outcome, tallied.counted, tallied.ended_by)
    total = _sum(attempt_tallies)
    settled = select(*by, total).where(tallied.campaign_id == campaign_id).group_by(*by).having(total != 0)
    goes_on = (attempts.c.campaign_id == campaign_id, attempts.c.ended_at.is_(None))
    by_open = (attempts.c.status, attempts.c.counted)
    under_way = (
        select(attempts.c.status, literal(""), attempts.c.counted, literal(""), func.count())
        .where(*goes_on)
        .group_by(*by_open)
    )
    return [
        AttemptCount(AttemptStatus(status), outcome, bool(counted), ended_by, int(number))
        for status, outcome, counted, ended_by, number in db.execute(union_all(settled, under_way))
    ]


def calls_by_reminder(db: Connection, campaign_id: str) -> dict[int, dict[str, int]]:
    """The campaign's ended calls by their outcome, for each reminder of several, by its number."""
    tallied, total = attempt_tallies.c, _sum(attempt_tallies)
    by = (tallied.reminder, tallied.outcome)
    of_reminders = (tallied.campaign_id == campaign_id, tallied.reminder > 0, tallied.outcome != "")
    query = select(*by, total).where(*of_reminders).group_by(*by).having(total != 0).order_by(*by)
    counts: dict[int, dict[str, int]] = {}
    for reminder, outcome, number in db.execute(query):
        counts.setdefault(reminder, {})[outcome] = int(number)
    return counts


def calls_by_variant(db: Connection, campaign_id: str) -> dict[str, dict[str, int]]:
    """The campaign's ended calls by their outcome for each of several texts, those that were short as `short`, too."""
    tallied, total = attempt_tallies.c, _sum(attempt_tallies)
    by = (tallied.variant, tallied.outcome, tallied.short)
    of_variants = (tallied.campaign_id == campaign_id, tallied.variant != "", tallied.outcome != "")
    query = select(*by, total).where(*of_variants).group_by(*by).having(total != 0).order_by(*by)
    counts: dict[str, dict[str, int]] = {}
    for variant, outcome, short, number in db.execute(query):
        calls = counts.setdefault(variant, {})
        calls[outcome] = calls.get(outcome, 0) + int(number)
        if short:
            calls["short"] = calls.get("short", 0) + int(number)
    return counts


def calls_by_caller_id(db: Connection, campaign_id: str) -> dict[str, dict[str, int]]:
    """The campaign's ended calls by their outcome for each number that was shown."""
    counts: dict[str, dict[str, int]] = {}
    for _campaign, number, outcome, calls in calls_from_numbers(db, [campaign_id]):
        counts.setdefault(number, {})[outcome] = calls
    return counts


def calls_from_numbers(db: Connection, campaign_ids: Sequence[str]) -> list[tuple[str, str, str, int]]:
    """Ended calls of these campaigns: campaign, number shown, outcome, how many."""
    tallied, total = attempt_tallies.c, _sum(attempt_tallies)
    by = (tallied.campaign_id, tallied.caller_id, tallied.outcome)
    ended = (tallied.campaign_id.in_(campaign_ids), tallied.caller_id != "", tallied.outcome != "")
    query = select(*by, total).where(*ended).group_by(*by).having(total != 0).order_by(*by)
    return [(campaign, number, outcome, int(calls)) for campaign, number, outcome, calls in db.execute(query)]


def short_answers(db: Connection, campaign_id: str) -> int:
    """How many of the campaign's answered calls were short."""
    short = (attempt_tallies.c.campaign_id == campaign_id, attempt_tallies.c.short)
    return int(db.scalar(select(_sum(attempt_tallies)).where(*short)) or 0)


def summed(counts: Iterable[AttemptCount], value: Callable[[AttemptCount], str]) -> dict[str, int]:
    """Attempts by a value of theirs, those without one left out; the most frequent first."""
    sums = Counter[str]()
    for count in counts:
        if value(count):
            sums[value(count)] += count.number
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def fold(ledger: Ledger) -> int:
    """Add up the tallies' rows where there are many; returns how many rows were added up."""
    return sum(_fold_table(ledger, table) for table in TALLIES)


def _fold_table(ledger: Ledger, table: Table) -> int:
    many = select(table.c.id).where(UNFOLDED).offset(FOLD_FROM).limit(1)
    folded = 0
    while True:
        with ledger.reading() as db:
            if db.execute(many).first() is None:
                return folded
        done: int = ledger.write(fold_some, table)
        folded += done
        if done < FOLDED_AT_ONCE:
            return folded


def fold_some(db: Connection, table: Table) -> int:
    """Add up a bounded number of rows in one transaction: whoever reads sees the rows or their sum."""
    oldest = select(table.c.id).where(UNFOLDED).order_by(table.c.id).limit(FOLDED_AT_ONCE)
    keys = _keys(table)
    beside = [table.c.minute] if table is attempt_tallies else []
    rows = db.execute(
        delete(table)
        .where(table.c.id.in_(oldest.with_for_update(skip_locked=True)))
        .returning(*(table.c[key] for key in keys), table.c.number, *beside)
    ).all()
    sums = Counter[tuple[Any, ...]]()
    for row in rows:
        sums[tuple(row[: len(keys)])] += row.number
    changed = [dict(zip(keys, key, strict=True), number=number) for key, number in sorted(sums.items()) if number]
    if changed:
        db.execute(_added(db, table, keys), changed)
    if beside:
        _add_times(db, rows)
    forget_none(db, table, {row.campaign_id for row in rows})
    return len(rows)


def _add_times(db: Connection, rows: Sequence[Any]) -> None:
    """Count calls whose rows are being added up; rows of the time before `call_times` have no minute."""
    sums = Counter[tuple[Any, ...]]()
    for row in rows:
        for span in (MINUTE, HOUR) if row.minute is not None else ():
            sums[row.campaign_id, span, row.minute * MINUTE // span * span, row.outcome or row.status] += row.number
    names = ("campaign_id", "span", "starts", "outcome")
    counted = [dict(zip(names, key, strict=True), number=number) for key, number in sorted(sums.items()) if number]
    if counted:
        add = insert_into(db, call_times)
        total = call_times.c.number + add.excluded.number
        db.execute(add.on_conflict_do_update(index_elements=list(names), set_={"number": total}), counted)


def forget_minutes(db: Connection, now: datetime) -> int:
    """Forget the minutes of days ago, whose hours stay; returns how many rows these were."""
    old = int((now - MINUTES_KEPT).timestamp())
    return db.execute(delete(call_times).where(call_times.c.span == MINUTE, call_times.c.starts < old)).rowcount


def forget_none(db: Connection, table: Table, campaign_ids: Collection[str]) -> None:
    """Delete the tallies of these campaigns that nothing is left of: a reason may name a person who was erased."""
    keys = [table.c[key] for key in _keys(table)]
    of_campaigns = table.c.campaign_id.in_(campaign_ids)
    none = select(*keys).where(of_campaigns).group_by(*keys).having(_sum(table) == 0)
    db.execute(delete(table).where(of_campaigns, tuple_(*keys).in_(none)))


def _added(db: Connection, table: Table, keys: Sequence[str]) -> Any:
    """Adds a number to the folded row of its key."""
    add = insert_into(db, table).values(folded=True)
    return add.on_conflict_do_update(
        index_elements=list(keys),
        index_where=FOLDED,
        set_={"number": table.c.number + add.excluded.number},
    )


def _keys(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.c if column.name not in NOT_KEYS)


def differences(db: Connection) -> list[Difference]:
    """Where the tallies are not what the contacts and attempts say, counted one by one. None: all is well.

    `db` is a `snapshot`.
    """
    return [difference for table in TALLIES for difference in _differences(db, table)]


def _differences(db: Connection, table: Table) -> Iterator[Difference]:
    keys = _keys(table)
    columns = [table.c[key] for key in keys]
    kept = select(*columns, _sum(table)).where(_has_rows(table)).group_by(*columns)
    tallied = {tuple(row[:-1]): int(row[-1]) for row in db.execute(kept)}
    counted = {tuple(row[:-1]): int(row[-1]) for row in db.execute(counted_anew(db, table))}
    for key in sorted(tallied.keys() | counted.keys()):
        if tallied.get(key, 0) != counted.get(key, 0):
            names = dict(zip(keys, key, strict=True))
            yield Difference(table.name, names, tallied.get(key, 0), counted.get(key, 0))


def _sum(table: Table) -> Function[int]:
    return func.sum(table.c.number)


def repair(db: Connection) -> None:
    """Count everything anew but what was archived; whoever writes waits until this transaction ends."""
    if db.dialect.name == "postgresql":  # SQLite has one writer at a time
        tables = "contacts, attempts, contact_tallies, attempt_tallies, response_tallies, cost_tallies, call_times"
        db.exec_driver_sql(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")
    for table in TALLIES:
        db.execute(delete(table).where(_has_rows(table)))
        source = counted_anew(db, table).subquery()
        rows = select(*source.c, literal(True))
        db.execute(insert(table).from_select([*_keys(table), "number", "folded"], rows))
    _count_times_anew(db)


def _count_times_anew(db: Connection) -> None:
    db.execute(delete(call_times).where(_has_rows(call_times)))
    for span in (MINUTE, HOUR):
        starts: ColumnElement[int] = literal_column(f"{EPOCH[db.dialect.name]} / {span} * {span}", Integer)
        word = func.coalesce(attempts.c.outcome, attempts.c.status)
        rows = select(attempts.c.campaign_id, literal_column(str(span), Integer), starts, word, func.count())
        counted = rows.where(attempts.c.ended_at.is_not(None), _has_rows(attempts)).group_by(
            attempts.c.campaign_id, starts, word
        )
        db.execute(insert(call_times).from_select([*call_times.c.keys()], counted))


def _has_rows(table: Table) -> ColumnElement[bool]:
    """Whether the campaign's contacts and attempts are in the ledger: those of an archived one are counted no more."""
    return table.c.campaign_id.not_in(select(archives.c.campaign_id))


def keep_counting(db: Connection, contact_ids: Sequence[int]) -> None:
    """Count these contacts and their attempts once more: the triggers take them off when they are removed."""
    for table in TALLIES:
        of_these = attempts.c.contact_id if table in OF_ATTEMPTS else contacts.c.id
        source = _counted(db, table, of_these.in_(contact_ids)).subquery()
        columns = [column.name for column in source.c]
        db.execute(insert(table).from_select([*columns, "folded"], select(*source.c, literal(False))))


def counted_anew(db: Connection, table: Table) -> Select[Any]:
    """A count of the rows themselves, as rows of this table of tallies; without those of archived campaigns."""
    return _counted(db, table, _has_rows(attempts if table in OF_ATTEMPTS else contacts), by_minute=False)


def _counted(db: Connection, table: Table, rows: ColumnElement[bool], *, by_minute: bool = True) -> Select[Any]:
    number: ColumnElement[Any] = func.count()
    if table is contact_tallies:
        c = contacts.c
        columns: list[ColumnElement[Any]] = [c.campaign_id, c.status, counted_reason(db, func.coalesce(c.reason, ""))]
        which: ColumnElement[bool] = c.final_at.is_not(None)
    elif table is response_tallies:
        columns, which = [contacts.c.campaign_id, contacts.c.response], contacts.c.response.is_not(None)
    elif table is cost_tallies:
        columns, number = [attempts.c.campaign_id, attempts.c.currency], func.sum(cost_of_attempt())
        which = and_(HAS_PRICE, attempts.c.ended_at.is_not(None))
    else:
        a = attempts.c
        verdict, outcome, ended_by = (func.coalesce(a[name], "") for name in ("verdict", "outcome", "ended_by"))
        reminder = func.coalesce(a.reminder, 0)
        columns = [a.campaign_id, a.account, a.status, verdict, outcome, a.counted, ended_by, reminder, a.short]
        columns += [func.coalesce(a.variant, ""), a.caller_id]
        which = a.ended_at.is_not(None)
    named = [column.label(key) for column, key in zip(columns, _keys(table), strict=True)]
    if by_minute and table is attempt_tallies:
        minute: ColumnElement[int] = literal_column(f"{EPOCH[db.dialect.name]} / {MINUTE}", Integer)
        columns, named = [*columns, minute], [*named, minute.label("minute")]
    return select(*named, number.label("number")).where(which, rows).group_by(*columns)


def counted_reason(db: Connection, reason: ColumnElement[Any]) -> ColumnElement[Any]:
    """What a tally keeps of a reason, as the triggers have it."""
    long_number = reason.op("~")("[0-9]{7}") if db.dialect.name == "postgresql" else reason.op("GLOB")(LONG_NUMBER)
    return case((long_number, ""), else_=reason)
