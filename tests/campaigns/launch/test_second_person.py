"""A large campaign starts when two people want it: nobody of it is called before the second has confirmed."""

from __future__ import annotations

import pytest

from campaigns.lifecycle import CampaignStatus, PauseKind
from campaigns.operations import api_tokens, control
from campaigns.operations.control import SecondPersonNeeded
from tests.support.motion import row, start_listed
from tests.support.seeding import campaign_row


def started(ledger, folder, clock, *, who="ann", above=2, rows=3, **facts):
    listed = [row(number) for number in range(rows)]
    return start_listed(ledger, folder, listed, now=clock(), who=who, second_person_above=above, **facts)


def test_one_with_more_contacts_waits_until_another_person_resumes_it(ledger, tmp_path, clock):
    campaign = started(ledger, tmp_path, clock)
    assert (campaign.status, campaign.pause_kind, campaign.started_by) == ("paused", PauseKind.SECOND_PERSON, "ann")
    for who in ("ann", "Ann"):
        with pytest.raises(SecondPersonNeeded, match="was started by ann"):
            control.resume(ledger, campaign.id, who=who, now=clock())
    assert control.resume(ledger, campaign.id, who="bob", now=clock()).status is CampaignStatus.RUNNING
    assert campaign_row(ledger, campaign.id).reason == "started by ann, confirmed by bob"
    control.pause(ledger, campaign.id, who="ann", now=clock.forward(1))
    assert control.resume(ledger, campaign.id, who="ann", now=clock.forward(1)).status is CampaignStatus.RUNNING


@pytest.mark.parametrize(("above", "rows"), [(3, 3), (None, 3), (0, 1)])
def test_only_one_with_more_contacts_waits(ledger, tmp_path, clock, above, rows):
    campaign = started(ledger, tmp_path, clock, above=above, rows=rows)
    assert campaign.status == ("paused" if above == 0 else "running")


def test_neither_a_program_nor_the_person_who_made_its_token_is_the_second(ledger, tmp_path, clock):
    api_tokens.create(ledger, "shop", ["campaigns:send"], who="ann", now=clock())
    campaign = started(ledger, tmp_path, clock, who="token shop")
    for who in ("token shop", "token other", "ann"):
        with pytest.raises(SecondPersonNeeded):
            control.resume(ledger, campaign.id, who=who, now=clock())
    assert control.resume(ledger, campaign.id, who="bob", now=clock()).status is CampaignStatus.RUNNING


def test_whoever_added_a_schedule_does_not_confirm_its_campaigns(ledger, tmp_path, clock):
    campaign = started(ledger, tmp_path, clock, who="schedule daily", started_for="ann")
    with pytest.raises(SecondPersonNeeded):
        control.resume(ledger, campaign.id, who="ann", now=clock())


def test_a_pause_or_a_halt_meanwhile_does_not_take_its_place(ledger, tmp_path, clock):
    campaign = started(ledger, tmp_path, clock)
    with pytest.raises(control.IllegalMove):
        control.pause(ledger, campaign.id, who="ann", now=clock())
    assert control.resume_halted(ledger, "main", who="ann", now=clock()) == []
    assert campaign_row(ledger, campaign.id).pause_kind == "second_person"
    assert control.cancel(ledger, campaign.id, who="ann", now=clock()).status is CampaignStatus.CANCELLED
