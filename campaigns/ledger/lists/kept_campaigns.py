"""Campaigns whose people's time runs, what was emptied of each, and the lease of the night that does it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, or_, select, true

from campaigns.ledger.bulk import insert_into
from campaigns.ledger.lists.redials import connected_campaigns
from campaigns.ledger.tables import campaigns, contact_tallies, retention_done, ticks
from campaigns.ledger.tallies import forget_none
from campaigns.lifecycle import ENDED_CAMPAIGNS, LIVE_CAMPAIGNS
from campaigns.retention_periods import Kept, Retention

DAILY, AT_WORK = "retention", "retention at work"  # in `ticks`
READ_AT_ONCE = 500
LEASE = timedelta(minutes=15)  # for which nobody else takes the day's run


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCampaign:
    """A campaign whose people's time runs. `ended_at` is its end, or that of the last redial of its contacts.

    None: it is a standing campaign that goes on, and the time of each contact runs from the contact's own end.
    """

    id: str
    ended_at: datetime | None
    own: Retention
    done: frozenset[Kept]

    def until(self, kept: Kept, general: Retention, contact_ended_at: datetime | None = None) -> datetime | None:
        """Until when this is kept, where the settings keep it as `general` says; None: for ever.

        Of a campaign that goes on it is kept of each contact by itself; None, too, while that has not ended.
        """
        ended_at = self.ended_at or contact_ended_at
        return None if ended_at is None else self.own.over(general).until(kept, ended_at)


def kept_campaigns(db: Connection) -> Iterator[KeptCampaign]:
    """Every campaign that is over, with its redials, and still has contacts that are not emptied; the oldest first.

    Then the standing campaigns that go on.
    """
    emptied = exists().where(_note(Kept.CONTACTS), retention_done.c.at >= campaigns.c.finished_at)
    ended = select(campaigns.c.id).where(campaigns.c.status.in_(ENDED_CAMPAIGNS), ~emptied)
    ids = db.scalars(ended.order_by(campaigns.c.finished_at, campaigns.c.id)).all()
    for at in range(0, len(ids), READ_AT_ONCE):
        yield from _ended(db, ids[at : at + READ_AT_ONCE])
    yield from _going_on(db, true())


def kept_campaign(db: Connection, campaign_id: str) -> KeptCampaign | None:
    """This one; None where the time of its people does not run: it, or a redial of its contacts, has not ended."""
    return ended_campaign(db, campaign_id) or next(_going_on(db, campaigns.c.id == campaign_id), None)


def ended_campaign(db: Connection, campaign_id: str) -> KeptCampaign | None:
    """This one; None where it, or a redial of its contacts, has not ended."""
    return next(_ended(db, [campaign_id]), None)


def _ended(db: Connection, ids: Sequence[str]) -> Iterator[KeptCampaign]:
    """Those of these campaigns that have ended, with their redials, in this order."""
    others = connected_campaigns(db, ids)
    facts = (campaigns.c.id, campaigns.c.status, campaigns.c.finished_at)
    everybody = {*ids, *chain.from_iterable(others.values())}
    rows = {row.id: row for row in db.execute(select(*facts).where(campaigns.c.id.in_(everybody)))}
    definitions = select(campaigns.c.id, campaigns.c.definition).where(campaigns.c.id.in_(ids))
    own = {row.id: retention_of(row.definition) for row in db.execute(definitions)}
    done = _done(db, {campaign_id: rows[campaign_id].finished_at for campaign_id in own})
    for campaign_id in (name for name in ids if name in own):
        family = [rows[name] for name in (campaign_id, *others[campaign_id])]
        if all(row.status in ENDED_CAMPAIGNS for row in family):
            ended_at = max(row.finished_at for row in family)
            yield KeptCampaign(id=campaign_id, ended_at=ended_at, own=own[campaign_id], done=done[campaign_id])


def _going_on(db: Connection, which: ColumnElement[bool]) -> Iterator[KeptCampaign]:
    """Standing campaigns that go on, and are no redial."""
    live = (campaigns.c.status.in_(LIVE_CAMPAIGNS), campaigns.c.redial_of.is_(None), which)
    for row in db.execute(select(campaigns.c.id, campaigns.c.definition).where(*live).order_by(campaigns.c.id)).all():
        if is_standing(row.definition):
            yield KeptCampaign(id=row.id, ended_at=None, own=retention_of(row.definition), done=frozenset())


def is_standing(definition_text: str) -> bool:
    """Whether this stored definition is that of a standing campaign, for which it is read alone."""
    return bool(json.loads(definition_text).get("contacts", {}).get("standing"))


def retention_of(definition_text: str) -> Retention:
    """What a stored definition says, which is read for this alone."""
    return Retention.model_validate(json.loads(definition_text).get("retention") or {})


def note_done(db: Connection, campaign: KeptCampaign, kept: Kept, number: int, now: datetime) -> None:
    """Note that nothing of this is left of the campaign; of one that goes on, how much the night has emptied."""
    if kept is Kept.CONTACTS:
        forget_none(db, contact_tallies, [campaign.id])
    note = insert_into(db, retention_done).values(campaign_id=campaign.id, kept=kept, at=now, number=number)
    db.execute(note.on_conflict_do_update(index_elements=["campaign_id", "kept"], set_={"at": now, "number": number}))


def is_emptied(db: Connection, campaign_id: str) -> bool:
    """Whether what its contacts would hear, or their numbers, are kept no more."""
    gone = retention_done.c.kept.in_([Kept.TEXTS, Kept.CONTACTS])
    return db.execute(select(retention_done.c.kept).where(_of(campaign_id), gone).limit(1)).first() is not None


def done_since(db: Connection, since: datetime) -> dict[Kept, tuple[int, int]]:
    """What was emptied since then: of each kind, of how many campaigns and how much."""
    by_kind = select(retention_done.c.kept, func.count(), func.sum(retention_done.c.number))
    rows = db.execute(by_kind.where(retention_done.c.at >= since).group_by(retention_done.c.kept))
    return {Kept(kept): (number, int(emptied)) for kept, number, emptied in rows}


def claim_night(db: Connection, due_since: datetime, now: datetime) -> bool:
    """Whether the day's run is still to be done and no other process is at it; then nobody else is, for a while."""
    last = db.scalar(select(ticks.c.at).where(ticks.c.step == DAILY))
    if last is not None and last >= due_since:
        return False
    db.execute(delete(ticks).where(ticks.c.step == AT_WORK, or_(ticks.c.at <= now - LEASE, ticks.c.at > now)))
    first = insert_into(db, ticks).values(step=AT_WORK, at=now).on_conflict_do_nothing().returning(ticks.c.step)
    return db.execute(first).first() is not None


def end_night(db: Connection, now: datetime, *, finished: bool) -> None:
    """Let others go on with the day's run; with `finished`, on the next day."""
    db.execute(delete(ticks).where(ticks.c.step == AT_WORK))
    if finished:
        db.execute(delete(ticks).where(ticks.c.step == DAILY))
        db.execute(insert(ticks).values(step=DAILY, at=now))


def _done(db: Connection, ends: Mapping[str, datetime]) -> dict[str, frozenset[Kept]]:
    """What was emptied of each since its end: before, a standing one has notes of what single nights have emptied."""
    done: dict[str, set[Kept]] = {campaign_id: set() for campaign_id in ends}
    for row in db.execute(select(retention_done).where(retention_done.c.campaign_id.in_(ends))):
        if ends[row.campaign_id] is not None and row.at >= ends[row.campaign_id]:
            done[row.campaign_id].add(Kept(row.kept))
    return {campaign_id: frozenset(kept) for campaign_id, kept in done.items()}


def _note(kept: Kept) -> ColumnElement[bool]:
    return and_(retention_done.c.campaign_id == campaigns.c.id, retention_done.c.kept == kept)


def _of(campaign_id: str) -> ColumnElement[bool]:
    return retention_done.c.campaign_id == campaign_id
