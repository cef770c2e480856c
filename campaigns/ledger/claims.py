"""Claims due contacts under a lease, so that no other worker has them, and gives back those that are not dialed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    Integer,
    Select,
    TextClause,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from campaigns.ledger.moves import among, as_final, row_count
from campaigns.ledger.numbers.suppressions import reason_of, suppressed, suppressed_of_many
from campaigns.ledger.tables import AGAIN, IS_URGENT, UtcTime, attempts, campaigns, contacts
from campaigns.lifecycle import LIVE_CAMPAIGNS, WAITING_CONTACTS, CampaignStatus, ContactStatus
from dialer.calls import REACHED

HANDED_OVER_MARGIN = timedelta(minutes=5)  # a provider that is asked to wait may place a call so much later
CLOCKS_APART = timedelta(seconds=60)  # as far as the clocks of two machines may differ
UNCLAIMED = {"status": ContactStatus.PENDING, "claim": None, "claimed_at": None, "lease_until": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A contact that is ours to dial until its lease ends."""

    contact_id: int
    campaign_id: str
    claim: UUID
    phone: str = field(repr=False)
    text: str | None = field(repr=False)
    voice: Mapping[str, str] | None
    zone: str
    not_after: datetime | None
    due_at: datetime
    claimed_at: datetime
    lease_until: datetime
    tries: int = 0
    urgent: bool = False
    key: str = ""
    reminder: int | None = None
    caller_id: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def attempt_id(self) -> UUID:
        """The id of the attempt this claim may become: the same however often its task is delivered."""
        return _attempt_id(self.claim, self.contact_id)


@lru_cache(maxsize=4096)
def _attempt_id(claim: UUID, contact_id: int) -> UUID:
    """Kept, for it is asked for at each step of a call."""
    return uuid5(claim, str(contact_id))


def lock_campaign(db: Connection, campaign_id: str) -> bool:
    """Lock the campaign's row until this transaction ends (SQLite has one writer); returns whether it is running."""
    return campaign_id in lock_campaigns(db, [campaign_id])


def lock_campaigns(db: Connection, campaign_ids: Collection[str]) -> set[str]:
    """As `lock_campaign`, for several; returns those that are running."""
    rows = db.execute(_locking(arrays=db.dialect.name == "postgresql"), {"campaigns": list(campaign_ids)})
    return {row.id for row in rows if row.status == CampaignStatus.RUNNING}


@cache
def _locking(*, arrays: bool) -> Select[Any]:
    several = among(campaigns.c.id, "campaigns", arrays=arrays)
    in_order = select(campaigns.c.id, campaigns.c.status).where(several).order_by(campaigns.c.id)  # so none deadlock
    return in_order.with_for_update(key_share=True)


def claim_due(
    db: Connection,
    campaign_id: str,
    claim: UUID,
    limit: int,
    *,
    now: datetime,
    lease_until: datetime,
    due_by: datetime | None = None,
    only: ColumnElement[bool] | None = None,
    in_list_order: bool = True,
    may_be_urgent: bool = False,
    may_be_again: bool = True,
) -> dict[int, int]:
    """Claim up to `limit` due contacts; returns the line of each in its list by its id.

    Retries come before first tries, longest due first. `may_be_urgent`: some may be urgent, and these come before all
    others. `may_be_again`: some may be retries; without it those come in their turn. `due_by` includes contacts that
    come due until then, unless their `not_after` is near; `only` narrows them.
    With `in_list_order` those due at the same moment come in the order of their list: for that PostgreSQL sorts all of
    them; without, they come as its index has them, which is mostly the same.
    """
    ahead = due_by is not None and due_by > now
    facts = {"campaign": campaign_id, "claimed_by": claim, "until": lease_until, **moments_of(now, due_by)}
    claimed: dict[int, int] = {}
    passes = [(IS_URGENT, "ix_contacts_urgent")] * may_be_urgent + [(AGAIN, "ix_contacts_retries")] * may_be_again
    for which, index in (*passes, (None, None)):
        if left := limit - len(claimed):
            form = (which, index, ahead, in_list_order)
            claiming = _claiming(*form) if only is None else _claim(*form, only)
            rows = db.execute(claiming, facts | {"limit": left}).all()
            claimed |= {row.id: row.line for row in sorted(rows, key=lambda row: (row.due_at, row.id))}
    return claimed


def is_due(*, ahead: bool) -> ColumnElement[bool]:
    """Whether a contact is due now or, with `ahead` and its `not_after` well past that, will be by a later moment.

    Both moments are parameters of the statement: `moments_of` gives their values.
    """
    now, due_by, lasting = (bindparam(name, type_=UtcTime()) for name in ("now", "due_by", "lasting"))
    if not ahead:
        return contacts.c.due_at <= now
    outlasts = or_(contacts.c.not_after.is_(None), contacts.c.not_after > lasting)
    return or_(contacts.c.due_at <= now, and_(contacts.c.due_at <= due_by, outlasts))


def moments_of(now: datetime, due_by: datetime | None = None) -> dict[str, Any]:
    """The parameters of `is_due`; `due_by` is a later moment than `now` where it looks ahead."""
    ahead = due_by is not None and due_by > now
    return {"now": now} | ({"due_by": due_by, "lasting": due_by + HANDED_OVER_MARGIN} if due_by and ahead else {})


def _claim(
    which: TextClause | None,
    index: str | None,
    ahead: bool,
    in_list_order: bool,
    only: ColumnElement[bool] | None = None,
) -> ReturningUpdate[int, int, datetime]:
    """The statement that claims those for whom `which` and `only` are true; `claim_due` gives its parameters.

    `index` is that of these contacts alone: SQLite, which keeps no statistics, would look through all that are due.
    """
    wanted: list[ColumnElement[bool] | TextClause] = [
        contacts.c.campaign_id == bindparam("campaign"),
        contacts.c.status == ContactStatus.PENDING,
        is_due(ahead=ahead),
        *(condition for condition in (which, only) if condition is not None),
    ]
    order = (contacts.c.due_at, contacts.c.id) if in_list_order else (contacts.c.due_at,)
    chosen = select(contacts.c.id).where(*wanted).order_by(*order).limit(bindparam("limit", type_=Integer()))
    if index:
        chosen = chosen.with_hint(contacts, f"INDEXED BY {index}", "sqlite")
    chosen = chosen.with_for_update(skip_locked=True)  # PostgreSQL; SQLite has one writer at a time
    # Without being materialized PostgreSQL may run it again for each row, and claim more than the limit.
    due_rows = chosen.cte("due").prefix_with("MATERIALIZED", dialect="postgresql")
    lease = {
        "claim": bindparam("claimed_by"),
        "claimed_at": bindparam("now", type_=UtcTime()),
        "lease_until": bindparam("until"),
    }
    return (
        update(contacts)
        .where(contacts.c.id.in_(select(due_rows.c.id)), contacts.c.status == ContactStatus.PENDING)
        .values(status=ContactStatus.CLAIMED, **lease)
        .returning(contacts.c.id, contacts.c.line, contacts.c.due_at)
    )


_claiming = cache(_claim)  # a tick claims for each campaign that has somebody due


def next_due(db: Connection, contact_ids: Sequence[int]) -> datetime | None:
    """When the first of these contacts that wait is due; None: none of them waits."""
    arrays = db.dialect.name == "postgresql"
    waiting = (among(contacts.c.id, "ids", arrays=arrays), contacts.c.status == ContactStatus.PENDING)
    moment: datetime | None = db.scalar(select(func.min(contacts.c.due_at)).where(*waiting), {"ids": list(contact_ids)})
    return moment


def still_claimed(db: Connection, claim: UUID, contact_ids: Sequence[int], now: datetime) -> list[Claimed]:
    """Those of the claimed contacts that are still ours."""
    arrays = db.dialect.name == "postgresql"
    rows = db.execute(_claimed(arrays=arrays), {"claimed_ids": list(contact_ids), "claimed_by": claim, "at": now})
    return [
        Claimed(
            contact_id=row.id,
            campaign_id=row.campaign_id,
            claim=claim,
            phone=row.phone,
            text=row.text,
            voice=row.voice,
            zone=row.zone,
            not_after=row.not_after,
            due_at=row.due_at,
            claimed_at=row.claimed_at,
            lease_until=row.lease_until,
            fields=row.fields,
            tries=row.tries,
            urgent=row.urgent,
            key=row.key,
            reminder=row.reminder,
            caller_id=row.caller_id,
        )
        for row in rows
    ]


@cache
def _claimed(*, arrays: bool) -> Select[Any]:
    columns = [contacts.c.id, *(contacts.c[name] for name in Claimed.__dataclass_fields__ if name in contacts.c)]
    return (
        select(*columns)
        .where(
            among(contacts.c.id, "claimed_ids", arrays=arrays),
            contacts.c.claim == bindparam("claimed_by", type_=contacts.c.claim.type),
            contacts.c.status == ContactStatus.CLAIMED,
            contacts.c.lease_until > bindparam("at", type_=UtcTime()),
        )
        .order_by(contacts.c.due_at, contacts.c.id)
    )


def claimed_bare(db: Connection, claim: UUID, contact_id: int) -> Claimed | None:
    """A claimed contact without its row of the list, which may be what cannot be read; None if it is not claimed."""
    names = ("campaign_id", "phone", "zone", "due_at", "claimed_at", "lease_until", "caller_id")
    columns = [contacts.c[name] for name in names]
    ours = (contacts.c.id == contact_id, contacts.c.claim == claim, contacts.c.status == ContactStatus.CLAIMED)
    row = db.execute(select(*columns).where(*ours)).first()
    if row is None:
        return None
    return Claimed(contact_id=contact_id, claim=claim, text=None, voice=None, not_after=None, **row._mapping)


def give_back(db: Connection, claim: UUID, contact_ids: Iterable[int], *, due_at: datetime | None = None) -> int:
    """Undo a claim: its contacts are pending again, due as before or at `due_at` if later. No attempt is used.

    Returns how many contacts were given back.
    """
    due = contacts.c.due_at
    facts = {"due_at": case((due < due_at, literal(due_at, UtcTime())), else_=due)} if due_at else {}
    return row_count(
        db,
        update(contacts)
        .where(
            contacts.c.id.in_(list(contact_ids)),
            contacts.c.claim == claim,
            contacts.c.status == ContactStatus.CLAIMED,
        )
        .values(**UNCLAIMED, **facts),
    )


def give_back_stale(db: Connection, now: datetime) -> int:
    """Make claims whose lease has ended due again: their task was lost, or its worker died before dialing.

    Claims from the future too: the clock has been set back, and their lease would last that much longer. Returns how
    many contacts are due again.
    """
    ended = or_(contacts.c.lease_until <= now, contacts.c.claimed_at > now + CLOCKS_APART)
    return row_count(
        db,
        update(contacts)
        .where(contacts.c.lease_until.is_not(None), contacts.c.status == ContactStatus.CLAIMED, ended)
        .values(**UNCLAIMED),
    )


def suppress_held(db: Connection, claim: UUID, contact_ids: Sequence[int], account: str, now: datetime) -> int:
    """Give claimed contacts on the suppression list their final status; returns how many."""
    return row_count(
        db,
        update(contacts)
        .where(
            contacts.c.id.in_(contact_ids),
            contacts.c.claim == claim,
            contacts.c.status == ContactStatus.CLAIMED,
            suppressed(account, now),
        )
        .values(**_as_suppressed(account, now)),
    )


def suppress_at_launch(db: Connection, campaign_id: str, account: str, now: datetime) -> int:
    """Give contacts on the suppression list their final status before the campaign starts; returns how many."""
    listed = _suppressed_of(campaign_id, account, now)
    return row_count(db, update(contacts).where(*listed).values(**_as_suppressed(account, now)))


def suppressed_of_draft(db: Connection, campaign_id: str, account: str, now: datetime) -> Sequence[int]:
    """The ids of a draft's contacts that are on the suppression list."""
    return db.scalars(select(contacts.c.id).where(*_suppressed_of(campaign_id, account, now))).all()


def suppress_waiting(db: Connection, contact_ids: Sequence[int], account: str, now: datetime) -> int:
    """Give those of these waiting contacts that are on the suppression list their final status; returns how many."""
    waiting = (contacts.c.id.in_(contact_ids), contacts.c.status == ContactStatus.PENDING, suppressed(account, now))
    return row_count(db, update(contacts).where(*waiting).values(**_as_suppressed(account, now)))


def _suppressed_of(campaign_id: str, account: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    pending = contacts.c.status == ContactStatus.PENDING
    return contacts.c.campaign_id == campaign_id, pending, suppressed_of_many(account, now)


def _as_suppressed(account: str, now: datetime) -> dict[str, object]:
    reason = "on the suppression list: " + reason_of(account, now)
    return {"status": ContactStatus.SUPPRESSED, "reason": reason, **as_final(now)}


def expire(db: Connection, now: datetime) -> int:
    """Give contacts past their own `not_after` their final status, unless a call of theirs is under way.

    Those of several reminders that answered one of them were reached.
    """
    late = (contacts.c.not_after <= now, contacts.c.final_at.is_(None), _campaign_live())
    answered = exists().where(attempts.c.contact_id == contacts.c.id, attempts.c.outcome.in_(REACHED))
    reminded = (*late, contacts.c.reminder.is_not(None), answered)
    end_waiting(db, ContactStatus.REACHED, *reminded, reason="answered an earlier reminder", now=now)
    return end_waiting(db, ContactStatus.EXPIRED, *late, reason="its not_after passed before it was reached", now=now)


def cancel_left(db: Connection, now: datetime) -> int:
    """Give the waiting contacts of cancelled campaigns their final status, those that a retry has just put back too."""
    over = select(campaigns.c.id).where(campaigns.c.status == CampaignStatus.CANCELLED)
    left = contacts.c.campaign_id.in_(over)
    return end_waiting(db, ContactStatus.CANCELLED, left, reason="the campaign was cancelled", now=now)


def end_waiting(
    db: Connection, to: ContactStatus, *conditions: ColumnElement[bool], reason: str | ColumnElement[str], now: datetime
) -> int:
    """Give the contacts that meet these conditions a final status, unless a call to them is under way."""
    waiting = contacts.c.status.in_(WAITING_CONTACTS)
    final = {"status": to, "reason": reason, **as_final(now)}
    return row_count(db, update(contacts).where(*conditions, waiting).values(**final))


def _campaign_live() -> Exists:
    return exists().where(campaigns.c.id == contacts.c.campaign_id, campaigns.c.status.in_(LIVE_CAMPAIGNS))
