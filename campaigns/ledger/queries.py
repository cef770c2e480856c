"""Reads campaigns and attempts from the ledger as values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, func, or_, select, tuple_

from campaigns.ledger.tables import IS_OPEN, attempts, campaigns, contacts, faults
from campaigns.lifecycle import (
    OPEN_CONTACTS,
    AttemptStatus,
    CampaignStatus,
    CanaryResult,
    ContactStatus,
    PauseKind,
    ReleaseHold,
)
from campaigns.stored_keys import StoredKeys, stored_keys
from dialer.calls import REACHED, Outcome
from dialer.errors import DialerError
from dialer.prices import CallPrice
from dialer.short_text import is_short_text
from dialer.verdicts import OUR_FAULT, Verdict

if TYPE_CHECKING:
    from campaigns.definition import Definition

Kind = TypeVar("Kind", bound=StrEnum)

MAX_ID = 100  # characters; a name has 60
MAX_SHOWN = 60
IS_NEWS = timedelta(seconds=30)  # for so long the last fault is shown


class NoSuchCampaign(DialerError):
    """The ledger has no campaign of this id or name."""


@lru_cache(maxsize=256)
def parse_definition(text: str, account: str = "") -> Definition:
    """The definition as it was when the campaign started; it does not change later. `account` is the one that calls."""
    from campaigns.definition import Definition  # its models take a quarter of a second to build

    return Definition.model_validate_json(text).for_account(account)


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One campaign as the ledger has it."""

    id: str
    name: str
    account: str
    rehearsal: bool
    status: CampaignStatus
    reason: str | None
    since: datetime
    definition_text: str = field(repr=False)
    zones: tuple[str, ...]
    contacts: int
    rejects: int
    rejects_file: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    ticked_at: datetime | None
    held_by: str | None
    held_until: datetime | None
    pause_kind: PauseKind | None = None
    hold_kind: ReleaseHold | None = None
    canary: CanaryResult | None = None
    redial_of: str | None = None
    redials_reached: bool = False
    returns_at: datetime | None = None
    return_asked_at: datetime | None = None
    closed_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    urgent: bool = False
    hands_over: bool = False
    started_by: str | None = None

    @property
    def definition(self) -> Definition:
        return parse_definition(self.definition_text, self.account)

    @property
    def stored(self) -> StoredKeys:
        """The keys of its definition that need no check."""
        return stored_keys(self.definition_text)

    @property
    def instead_of(self) -> str | None:
        """Its preferred account while it goes on with another one; None where it dials with that."""
        preferred = self.stored.account or self.account
        return preferred if preferred != self.account else None

    @property
    def version(self) -> str:
        """Another one after each move of the campaign."""
        return f"{self.status}-{self.since.timestamp():.6f}"

    @property
    def awaits_contacts(self) -> bool:
        """Whether it goes on when every contact is final: it is a standing campaign, and was not closed."""
        return self.closed_at is None and self.definition.contacts.standing

    @property
    def is_readable(self) -> bool:
        """Whether this version of the dialer can read the definition."""
        try:
            return bool(self.definition)
        except ValueError:
            return False


COLUMNS = [campaigns.c["definition" if name == "definition_text" else name] for name in Campaign.__dataclass_fields__]
"""The columns that a Campaign is made of; the names of its list's columns are not among them, which may be many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAttempt:
    """An attempt that has not ended, with what must be known to settle it."""

    id: UUID
    contact_id: int
    number: int
    campaign_id: str
    account: str
    status: AttemptStatus
    mnemonic: str | None
    code: str | None
    detail: str | None
    provider_call_id: str | None
    counted: bool
    queued_at: datetime | None
    dialing_at: datetime
    placed_at: datetime | None
    answered_at: datetime | None
    conclude_at: datetime | None
    script_seconds: float
    looked_at: float | None
    send_at: datetime | None
    gone_at: datetime | None
    looks: int
    longest_gap: float
    seen: bool
    puzzled: bool
    response: str | None
    reminder: int | None
    currency: str | None
    call_price: int | None
    part_price: int | None
    part_seconds: int | None
    kept_back: int | None
    phone: str = field(repr=False)
    contact_attempts: int
    zone: str
    not_after: datetime | None
    campaign_status: CampaignStatus
    rehearsal: bool
    definition_text: str = field(repr=False)

    @property
    def definition(self) -> Definition:
        return parse_definition(self.definition_text, self.account)

    @property
    def price(self) -> CallPrice | None:
        """What the call costs by the prices it was opened with; None without prices."""
        facts = (self.currency, self.call_price, self.part_price, self.part_seconds, self.kept_back)
        return None if None in facts else CallPrice._make(facts)

    @property
    def provider_said_it_failed(self) -> bool:
        """Whether the attempt is unconfirmed although the provider answered: it named a failure of its own.

        Only then does its absence from the provider's list mean that no call was placed. See `Ruling`.
        """
        return self.status is AttemptStatus.UNCONFIRMED and self.mnemonic is not None


def campaign(db: Connection, campaign_id: str, *, lock: bool = False) -> Campaign:
    """A campaign by its id, or the newest of that name; `lock` locks its row until this transaction ends.

    Raises NoSuchCampaign, which names the campaigns that exist.
    """
    can_exist = is_short_text(campaign_id, MAX_ID)  # PostgreSQL takes no NUL
    by_id = _by_id().with_for_update() if lock else _by_id()
    row = db.execute(by_id, {"campaign": campaign_id}).first() if can_exist else None
    if row is None and can_exist:
        named = select(*COLUMNS).where(campaigns.c.name == campaign_id).order_by(campaigns.c.created_at.desc())
        row = db.execute(named.limit(1).with_for_update() if lock else named.limit(1)).first()
    if row is None:
        known = db.scalars(select(campaigns.c.id).order_by(campaigns.c.created_at.desc()).limit(5)).all()
        remedy = "there are: " + ", ".join(known) if known else "there is none yet; write a first one with: dialer init"
        raise NoSuchCampaign(f"no campaign {campaign_id[:MAX_SHOWN]!r}", remedy)
    return _campaign(row)


def campaign_statuses(db: Connection, ids: Collection[str]) -> dict[str, CampaignStatus]:
    """The statuses of these campaigns, and nothing else of them, by their ids."""
    rows = db.execute(_statuses(), {"campaigns": list(ids)})
    return {row.id: CampaignStatus(row.status) for row in rows}


@cache
def _statuses() -> Select[tuple[str, str]]:
    return select(campaigns.c.id, campaigns.c.status).where(campaigns.c.id.in_(bindparam("campaigns", expanding=True)))


@cache
def _by_id() -> Select[Any]:
    """Kept, for every slice asks, and to build it takes longer than to run it."""
    return select(*COLUMNS).where(campaigns.c.id == bindparam("campaign"))


def all_campaigns(
    db: Connection,
    statuses: Iterable[CampaignStatus] | None = None,
    *,
    account: str | None = None,
    named: str = "",
    after: tuple[datetime, str] | None = None,
    limit: int | None = None,
) -> list[Campaign]:
    """Campaigns, newest first; when given, only those in `statuses`, on `account`, with `named` in their name or id,
    and `after` a creation and an id."""
    query = select(*COLUMNS).order_by(campaigns.c.created_at.desc(), campaigns.c.id.desc()).limit(limit)
    if statuses is not None:
        query = query.where(campaigns.c.status.in_(list(statuses)))
    if account is not None:
        query = query.where(campaigns.c.account == account)
    if named:
        query = query.where(campaigns.c.id.icontains(named, autoescape=True))
    if after is not None:
        query = query.where(tuple_(campaigns.c.created_at, campaigns.c.id) < tuple_(*after))
    return [_campaign(row) for row in db.execute(query)]


def list_columns_of(db: Connection, campaign_id: str) -> list[tuple[str, str | None]] | None:
    """The names of its list's columns as they were written, each with the name under which contacts have it among
    their fields; None where it had no list, or one that this was not kept of."""
    columns = db.scalar(select(campaigns.c.list_columns).where(campaigns.c.id == campaign_id))
    return None if columns is None else [(name, field) for name, field in columns]


def campaigns_by_id(db: Connection, ids: Sequence[str]) -> list[Campaign]:
    """These campaigns, in the order of their ids as given."""
    rows = {row.id: row for row in db.execute(select(*COLUMNS).where(campaigns.c.id.in_(ids)))}
    return [_campaign(rows[id_]) for id_ in ids if id_ in rows]


def has_open_attempts(db: Connection, campaign_id: str) -> bool:
    """Whether a call of the campaign goes on, or may go on."""
    goes_on = select(attempts.c.id).where(attempts.c.campaign_id == campaign_id, IS_OPEN)
    return db.execute(goes_on.limit(1)).first() is not None


def _campaign(row: Row[tuple[object, ...]]) -> Campaign:
    facts = dict(row._mapping)
    return Campaign(
        definition_text=facts.pop("definition"),
        zones=tuple(facts.pop("zones")),
        status=CampaignStatus(facts.pop("status")),
        pause_kind=_known(PauseKind, facts.pop("pause_kind")),
        hold_kind=_known(ReleaseHold, facts.pop("hold_kind")),
        canary=_known(CanaryResult, facts.pop("canary")),
        **facts,
    )


def _known(kind: type[Kind], value: str | None) -> Kind | None:
    return None if value is None else kind(value)


@cache
def _open_attempts() -> Select[tuple[object, ...]]:
    columns = [
        attempts.c[name]
        for name in OpenAttempt.__dataclass_fields__
        if name in attempts.c and name not in {"definition_text", "zone"}
    ]
    return (
        select(
            *columns,
            contacts.c.phone,
            contacts.c.attempts.label("contact_attempts"),
            contacts.c.zone,
            contacts.c.not_after,
            campaigns.c.status.label("campaign_status"),
            campaigns.c.rehearsal,
            campaigns.c.definition.label("definition_text"),
        )
        .join(contacts, contacts.c.id == attempts.c.contact_id)
        .join(campaigns, campaigns.c.id == attempts.c.campaign_id)
    )


def attempts_by_id(db: Connection, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, OpenAttempt]:
    """These attempts by id, whatever their status; `lock` locks them until this transaction ends."""
    query = _open_attempts().where(attempts.c.id.in_(list(ids)))
    rows = db.execute(_locked(query) if lock else query)
    return {row.id: _attempt(row) for row in rows}


def _locked(query: Select[tuple[object, ...]]) -> Select[tuple[object, ...]]:
    """Locked in one order, so that two callers do not wait for each other. SQLite has one writer at a time."""
    return query.order_by(attempts.c.id).with_for_update(of=attempts)


def attempts_in(
    db: Connection,
    statuses: Sequence[AttemptStatus],
    *,
    account: str | None = None,
    conclude_by: datetime | None = None,
    lock: bool = False,
) -> list[OpenAttempt]:
    """Attempts in these statuses, oldest first; of one account, or only those to be concluded by a moment.

    `lock` locks them until this transaction ends, in the order of all callers that lock.
    """
    query = _open_attempts().where(attempts.c.status.in_(statuses))
    query = _locked(query) if lock else query.order_by(attempts.c.dialing_at)
    if account is not None:
        query = query.where(attempts.c.account == account)
    if conclude_by is not None:
        query = query.where(attempts.c.conclude_at <= conclude_by)
    return [_attempt(row) for row in db.execute(query)]


def accounts_with(db: Connection, statuses: Sequence[AttemptStatus]) -> set[str]:
    """The accounts that have attempts in these statuses."""
    return set(db.scalars(select(attempts.c.account).where(attempts.c.status.in_(statuses)).distinct()))


def _attempt(row: Row[tuple[object, ...]]) -> OpenAttempt:
    facts = dict(row._mapping)
    facts["status"] = AttemptStatus(facts["status"])
    facts["campaign_status"] = CampaignStatus(facts["campaign_status"])
    return OpenAttempt(**facts)


def count_outcome(db: Connection, contact_id: int, outcome: Outcome, reminder: int | None = None) -> int:
    """How many of a contact's calls, or of those that told this reminder, have ended this way."""
    query = select(func.count()).where(_of_contact(contact_id, reminder), attempts.c.outcome == outcome)
    return db.scalar(query) or 0


def count_calls(db: Connection, contact_id: int, reminder: int) -> int:
    """How many calls the provider accepted that told a contact this reminder."""
    return db.scalar(select(func.count()).where(_of_contact(contact_id, reminder), attempts.c.counted)) or 0


def _of_contact(contact_id: int, reminder: int | None) -> ColumnElement[bool]:
    own = attempts.c.contact_id == contact_id
    return own if reminder is None else and_(own, attempts.c.reminder == reminder)


def count_short(db: Connection, contact_id: int, reminder: int | None = None) -> int:
    """How many of a contact's calls, or of those that told this reminder, were answered and soon over."""
    return db.scalar(select(func.count()).where(_of_contact(contact_id, reminder), attempts.c.short)) or 0


def reached_by(db: Connection, contact_id: int, reminder: int | None = None, *, heard: bool = False) -> Outcome | None:
    """How a call of the contact's, or one that told this reminder, ended that reached it; None when none did.

    With `heard`, calls that were soon over do not count.
    """
    query = select(attempts.c.outcome).where(_of_contact(contact_id, reminder), attempts.c.outcome.in_(REACHED))
    if heard:
        query = query.where(~attempts.c.short)
    outcome = db.scalar(query.order_by(attempts.c.number).limit(1))
    return Outcome(outcome) if outcome else None


def count_verdict(db: Connection, contact_id: int, verdict: Verdict) -> int:
    """How many of a contact's attempts got this verdict."""
    query = select(func.count()).where(attempts.c.contact_id == contact_id, attempts.c.verdict == verdict)
    return db.scalar(query) or 0


def count_faults(db: Connection, contact_id: int) -> int:
    """How often an error of the dialer kept the contact from being called."""
    of_ours = (attempts.c.verdict == Verdict.NOT_SENT, attempts.c.mnemonic == OUR_FAULT)
    return db.scalar(select(func.count()).where(attempts.c.contact_id == contact_id, *of_ours)) or 0


def count_claimed(db: Connection, campaign_id: str) -> int:
    """How many contacts of the campaign are with the workers."""
    claimed = (contacts.c.campaign_id == campaign_id, contacts.c.status == ContactStatus.CLAIMED)
    return db.scalar(select(func.count()).where(*claimed)) or 0


def unfinished(db: Connection, campaign_id: str) -> bool:
    """Whether the campaign has a contact without a final status."""
    # One status at a time, in the order of the index: it leads to each at once, however many are final.
    of_campaign = select(contacts.c.id).where(contacts.c.campaign_id == campaign_id)
    first = of_campaign.order_by(contacts.c.due_at).limit(1)
    return any(db.execute(first.where(contacts.c.status == status)).first() for status in reversed(OPEN_CONTACTS))


def latest_fault(db: Connection, campaign_id: str, account: str, now: datetime) -> Row[Any] | None:
    """What a step of the dialer's own raised last for this campaign, or for its account as a whole, if it is news."""
    of_account = and_(faults.c.account == account, faults.c.campaign_id == "")
    query = select(faults).where(or_(faults.c.campaign_id == campaign_id, of_account), faults.c.last_at > now - IS_NEWS)
    return db.execute(query.order_by(faults.c.last_at.desc()).limit(1)).first()
