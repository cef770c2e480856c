"""Campaigns whose people's time runs are read together, each with the end of the last of its redials."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import insert, update

from campaigns.ledger.lists.kept_campaigns import KeptCampaign, ended_campaign, kept_campaign, kept_campaigns
from campaigns.ledger.lists.redials import note_redial
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import campaigns
from campaigns.retention_periods import Kept, Retention
from tests.support.statements import statements
from tests.support.statuses import as_campaign

A_MONTH = Retention(contacts="31d")  # type: ignore[arg-type]


def add(ledger: Ledger, name: str, now: datetime, *, over: bool = True, definition: str = "{}") -> str:
    """A campaign of this name as its id, over since now or running."""
    facts = {"name": name, "account": "main", "rehearsal": False, "since": now, "zones": [], "created_at": now}
    with ledger.writing() as db:
        status = as_campaign("finished" if over else "running", now)
        db.execute(insert(campaigns).values(id=name, **facts | status, definition=definition))
    return name


def kept(ledger: Ledger) -> dict[str, datetime | None]:
    with ledger.reading() as db:
        return {campaign.id: campaign.ended_at for campaign in kept_campaigns(db)}


def test_many_are_read_in_as_many_statements_as_one(ledger, clock):
    counts = []
    for first, end in ((0, 1), (1, 30)):
        for number in range(first, end):
            add(ledger, f"over-{number:02}", clock.forward(60))
        with statements(ledger) as texts:
            assert len(kept(ledger)) == end
        counts.append(len(texts))
    assert counts[0] == counts[1]


def test_the_time_runs_from_the_end_of_the_last_redial_and_not_before(ledger, clock):
    first, ends = add(ledger, "first", clock()), clock.forward(60)
    second = add(ledger, "second", ends)
    third = add(ledger, "third", clock.forward(60), over=False)
    alone = add(ledger, "alone", clock())
    ledger.write(note_redial, first, second, "busy", who="ann", now=clock())
    assert kept(ledger) == {first: ends, second: ends, alone: clock()}
    ledger.write(note_redial, second, third, "busy", who="ann", now=clock())
    assert kept(ledger) == {alone: clock()}, "one of the three goes on"
    with ledger.writing() as db:
        over = as_campaign("cancelled", clock.forward(60))
        db.execute(update(campaigns).where(campaigns.c.id == third).values(over))
    assert {name: kept(ledger)[name] for name in (first, second, third)} == dict.fromkeys(
        [first, second, third], clock()
    )


def test_of_a_standing_campaign_that_goes_on_each_contact_is_kept_by_itself(ledger, clock):
    standing = '{"contacts": {"standing": true}}'
    add(ledger, "standing", clock(), over=False, definition=standing)
    add(ledger, "running", clock(), over=False)
    with ledger.reading() as db:
        assert (ended_campaign(db, "standing"), kept_campaign(db, "running")) == (None, None)
        campaign = kept_campaign(db, "standing")
    assert campaign == KeptCampaign(id="standing", ended_at=None, own=Retention(), done=frozenset())
    assert campaign.until(Kept.CONTACTS, A_MONTH) is None, "it has not ended"
    assert campaign.until(Kept.CONTACTS, A_MONTH, clock()) == clock() + timedelta(days=31)
    assert campaign.until(Kept.TEXTS, A_MONTH, clock()) is None, "nothing is said of them"
