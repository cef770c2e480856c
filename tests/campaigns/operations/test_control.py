"""Pause, resume, cancel: what each does to a campaign and its contacts, when it may be done, and that it is noted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from campaigns.ledger.lists import drafts
from campaigns.ledger.queries import NoSuchCampaign
from campaigns.ledger.tables import audit, campaigns
from campaigns.lifecycle import CAMPAIGN_MOVES, CampaignStatus, IllegalMove
from campaigns.operations import control
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept
from dialer.calls import Outcome
from dialer.providers.registry import account_settings
from tests.support.seeding import campaign_row, claim, contact, definition, dialing, fresh, numbers, open_all, seed
from tests.support.statuses import as_campaign

VERBS = {
    CampaignStatus.PAUSED: control.pause,
    CampaignStatus.RUNNING: control.resume,
    CampaignStatus.CANCELLED: control.cancel,
}
MAY = {
    (status, to)
    for status, moves in CAMPAIGN_MOVES.items()
    for to in moves & VERBS.keys()
    if to is not CampaignStatus.RUNNING or status is CampaignStatus.PAUSED  # starting is not resuming
}


@pytest.mark.parametrize("status", CampaignStatus)
@pytest.mark.parametrize("to", VERBS)
def test_a_move_is_made_where_it_may_be_and_refused_by_name_where_it_may_not(ledger, clock, status, to):
    campaign_id = seed(ledger, numbers(1), now=clock())
    with ledger.writing() as db:
        db.execute(update(campaigns).values(**as_campaign(status, clock()), reason="before"))
    clock.forward(5)
    if (status, to) in MAY:
        moved = VERBS[to](ledger, campaign_id, who="ann", now=clock())
        assert (moved.status, moved.since, moved.reason) == (to, clock(), "by a person")
        return
    with pytest.raises(IllegalMove, match=f"campaign {campaign_id} is {status} and cannot be") as refused:
        VERBS[to](ledger, campaign_id, who="ann", now=clock())
    assert refused.value.remedy == control.REMEDIES[status].format(id=campaign_id)
    assert (campaign_row(ledger, campaign_id).status, campaign_row(ledger, campaign_id).reason) == (status, "before")


def test_every_move_leaves_a_line_that_says_who_and_why(ledger, clock):
    campaign_id = seed(ledger, numbers(1), now=clock())
    control.pause(ledger, campaign_id, who="ann", now=clock.forward(1), reason="the text is wrong")
    control.resume(ledger, campaign_id, who="bob", now=clock.forward(1))
    control.cancel(ledger, campaign_id, who="ann", now=clock.forward(1), reason="too late")
    with ledger.reading() as db:
        lines = db.execute(select(audit).order_by(audit.c.id)).all()
    told = [(line.who, line.event, line.detail) for line in lines]
    assert told == [
        ("test", "campaign running", "started"),
        ("ann", "campaign paused", "the text is wrong"),
        ("bob", "campaign running", "by a person"),
        ("ann", "campaign cancelled", "too late"),
    ]


def test_cancelling_ends_whoever_waits_and_lets_calls_in_progress_end(ledger, clock):
    campaign_id = seed(ledger, numbers(3), now=clock(), retry={"max_attempts": 2, "busy": ["5m"]})
    claim_id, ids = claim(ledger, campaign_id, 2, now=clock())
    (opened,) = open_all(ledger, claim_id, ids[:1], now=clock())
    ledger.write(accept, fresh(ledger, opened), "c-1", account_settings(provider="callgear"), now=clock())
    control.cancel(ledger, campaign_id, who="test", now=clock.forward(1))
    rows = [contact(ledger, one) for one in range(ids[0], ids[0] + 3)]
    assert [row.status for row in rows] == ["placed", "cancelled", "cancelled"]
    assert [row.reason for row in rows[1:]] == ["the campaign was cancelled"] * 2
    assert {row.final_at for row in rows[1:]} == {clock()}
    assert campaign_row(ledger, campaign_id).finished_at == clock()
    ending = Ending(outcome=Outcome.BUSY, ended_at=clock())
    ledger.write(conclude, fresh(ledger, opened), ending, now=clock())
    assert contact(ledger, ids[0]).reason == "the campaign was cancelled; last: busy"


def test_cancelling_one_campaign_touches_no_other(ledger, clock):
    mine = seed(ledger, numbers(2), now=clock(), campaign="mine")
    other = seed(ledger, numbers(2), now=clock(), campaign="other")
    _, ids = claim(ledger, other, 2, now=clock())
    control.cancel(ledger, mine, who="test", now=clock())
    assert [contact(ledger, one).status for one in ids] == ["claimed", "claimed"]


def test_pausing_gives_claims_back_and_leaves_calls_alone(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), campaign="calling")
    waiting = seed(ledger, numbers(2), now=clock(), campaign="waiting")
    _, ids = claim(ledger, waiting, 2, now=clock())
    control.pause(ledger, one.campaign_id, who="test", now=clock())
    assert contact(ledger, one.contact_id).status == "dialing"
    assert [contact(ledger, each).status for each in ids] == ["claimed", "claimed"]
    control.pause(ledger, waiting, who="test", now=clock())
    assert [contact(ledger, each).status for each in ids] == ["pending", "pending"]


def test_a_campaign_may_be_called_by_its_name_when_the_newest_is_meant(ledger, clock):
    seed(ledger, numbers(1), now=clock())
    newest = seed(ledger, numbers(1), now=clock() + timedelta(hours=1))
    assert control.pause(ledger, "reminders", who="test", now=clock()).id == newest
    assert campaign_row(ledger, "reminders-1").status == CampaignStatus.RUNNING


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_campaign_that_is_not_there_is_named_with_those_that_are(ledger, clock, verb):
    with pytest.raises(NoSuchCampaign, match="no campaign 'ghost'") as refused:
        verb(ledger, "ghost", who="test", now=clock())
    assert refused.value.remedy == "there is none yet; write a first one with: dialer init"
    seed(ledger, numbers(1), now=clock())
    with pytest.raises(NoSuchCampaign) as refused:
        verb(ledger, "ghost", who="test", now=clock())
    assert refused.value.remedy == "there are: reminders-1"


def test_a_draft_that_is_cancelled_while_it_is_filled_calls_nobody(ledger, clock):
    campaign_id = ledger.write(
        drafts.create_draft,
        name="reminders",
        account="main",
        definition_text=definition().model_dump_json(),
        now=clock(),
    )
    control.cancel(ledger, campaign_id, who="test", now=clock())
    facts = {"zones": ["UTC"], "rejects": 0, "rejects_file": None, "who": "test"}
    with pytest.raises(drafts.DraftGone):
        ledger.write(drafts.start, campaign_id, now=clock(), **facts)
    assert campaign_row(ledger, campaign_id).status == CampaignStatus.CANCELLED
