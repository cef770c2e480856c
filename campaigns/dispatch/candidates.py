"""Finds the campaigns that a release tick has to look at, so that those that have nobody due cost it nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, or_, select

from campaigns.dispatch.vendor_queue import AHEAD
from campaigns.ledger.tables import IS_URGENT, breakers, campaigns, contacts, ticks
from campaigns.lifecycle import CampaignStatus, ContactStatus, Step
from dialer.account import Account

LOOKED_AT_ONCE = 32
RUNNING = campaigns.c.status == CampaignStatus.RUNNING
IS_HELD = campaigns.c.hold_kind.is_not(None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A running campaign that has somebody due, or has been held back, or whose account has to be looked at.

    `urgent`: it is, or it has an urgent contact that is due. `held`: the ledger says that something binds it.
    """

    id: str
    account: str
    urgent: bool
    held: bool = False


class Beginning(NamedTuple):
    """What a tick asks first, and most often last.

    noted_at  when a release tick was last at work, as far as it was noted
    is_idle   whether no campaign runs, or waits for its start, or for the probe call of a circuit breaker
    """

    noted_at: datetime | None
    is_idle: bool


def beginning(db: Connection) -> Beginning:
    """What there is for a tick at all."""
    noted_at, has_breakers, has_live = db.execute(_beginning()).one()
    return Beginning(noted_at, not (has_breakers or has_live))


@cache
def _beginning() -> Select[Any]:
    live = campaigns.c.status.in_([CampaignStatus.RUNNING, CampaignStatus.SCHEDULED])
    noted_at = select(ticks.c.at).where(ticks.c.step == Step.RELEASE).scalar_subquery()
    return select(noted_at, exists(breakers.c.campaign_id), exists(campaigns.c.id).where(live))


def due_to_start(db: Connection, now: datetime, account: str | None = None) -> Sequence[str]:
    """The scheduled campaigns whose start has come, by id; those of one account when it is named."""
    start = campaigns.c.starts_at
    begins = (campaigns.c.status == CampaignStatus.SCHEDULED, or_(start.is_(None), start <= now))
    return db.scalars(select(campaigns.c.id).where(*begins, *_on(account))).all()


def find_candidates(
    db: Connection, accounts: Mapping[str, Account], moments: Sequence[datetime], account: str | None = None
) -> dict[str, list[Candidate]]:
    """The campaigns to look at, by account; those of one account when it is named.

    While the clock is in doubt (several `moments`), all that run are: each of them notes that it waits for this.
    """
    which: list[ColumnElement[bool]] = []
    if len(moments) == 1:
        which = [or_(_has_due(moments[0]), IS_HELD, *_astray(db, accounts))]
    urgent = or_(campaigns.c.urgent, campaigns.c.id.in_(_with_urgent_due(moments[0])))
    columns = (campaigns.c.id, campaigns.c.account, urgent, IS_HELD)
    found: dict[str, list[Candidate]] = {}
    for row in db.execute(select(*columns).where(RUNNING, *_on(account), *which)):
        found.setdefault(row.account, []).append(Candidate(row[0], row[1], bool(row[2]), bool(row[3])))
    return found


def in_turns(candidates: Collection[Candidate], rng: Random, at_least: int) -> Iterator[Sequence[str]]:
    """The ids of the candidates in parts of `at_least` or more, shuffled, so that none is always looked at last.

    All urgent ones are in the first part.
    """
    urgent = [candidate.id for candidate in candidates if candidate.urgent]
    others = [candidate.id for candidate in candidates if not candidate.urgent]
    rng.shuffle(others)
    size = max(LOOKED_AT_ONCE, at_least)
    yield urgent + others[:size]
    for first in range(size, len(others), size):
        yield others[first : first + size]


def _on(account: str | None) -> list[ColumnElement[bool]]:
    return [] if account is None else [campaigns.c.account == account]


def _has_due(now: datetime) -> ColumnElement[bool]:
    def pending_until(moment: datetime) -> ColumnElement[bool]:
        of_campaign = contacts.c.campaign_id == campaigns.c.id
        return exists().where(of_campaign, contacts.c.status == ContactStatus.PENDING, contacts.c.due_at <= moment)

    return or_(pending_until(now), and_(campaigns.c.hands_over, pending_until(now + AHEAD)))


def _with_urgent_due(now: datetime) -> Select[tuple[str]]:
    """The campaigns that have an urgent contact due, by id, from the index of these few contacts alone."""
    due = select(contacts.c.campaign_id).where(IS_URGENT, contacts.c.due_at <= now)
    return due.with_hint(contacts, "INDEXED BY ix_contacts_urgent", "sqlite")


def _astray(db: Connection, accounts: Mapping[str, Account]) -> Iterator[ColumnElement[bool]]:
    """Those whose account is not in the settings, or leads to a sandbox while they do not, or the other way round."""
    for name, rehearsal in db.execute(select(campaigns.c.account, campaigns.c.rehearsal).where(RUNNING).distinct()):
        if not _leads_there(accounts.get(name), rehearsal):
            yield and_(campaigns.c.account == name, campaigns.c.rehearsal == rehearsal)


def _leads_there(account: Account | None, rehearsal: bool) -> bool:
    try:
        return account is not None and account.settings.sandbox == rehearsal
    except Exception:  # what an account raises is contained where it is looked at by itself
        return False
