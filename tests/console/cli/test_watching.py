"""What `watch` and `status` show of a campaign at work: speed, end, whom it missed, and loudly what is unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from campaigns.lifecycle import ContactStatus
from campaigns.reporting.hold_reason import HoldKind
from campaigns.reporting.status import CampaignSummary, summarize_campaign
from console.cli.views.campaign import progress_table, summary_panel
from tests.support.seeding import campaign_row, numbers, seed


@pytest.fixture
def summary(ledger, clock) -> CampaignSummary:
    """A large campaign at work, as its ledger would tell it."""
    campaign_id = seed(ledger, numbers(1), now=clock(), campaign="big")
    with ledger.reading() as db:
        small = summarize_campaign(db, campaign_row(ledger, campaign_id), clock())
    return replace(
        small,
        contacts={
            ContactStatus.REACHED: 2184,
            ContactStatus.UNKNOWN: 7900,
            ContactStatus.UNREACHED: 56,
            ContactStatus.PENDING: 39_860,
        },
        outcomes={"unknown": 7900, "answered": 2184, "failed": 12},
        in_progress=87,
        why="dialing",
        kind=HoldKind.DIALING,
        rate=26.04,
        pace=100.0,
        ends_at=clock() + timedelta(minutes=25),
    )


def shown(renderable) -> str:
    console = Console(width=120, force_terminal=False)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_watching_shows_the_rate_beside_the_pace_the_end_and_who_was_not_reached(summary):
    lines = shown(progress_table([summary])).splitlines()
    assert all(part in lines[0] for part in ("10,140/50,000", "2,184 reached", "87 calling", "calling people"))
    assert "26.0 of 100 calls/s, through about" in lines[1]
    assert all(part in lines[1] for part in ("56 not reached", "7,900 not known", "12 calls failed"))


def test_many_unknown_calls_are_loud_in_watch_and_status(summary):
    loud = "7,900 of 10,096 calls ended unknown (78 %)"
    assert loud in shown(progress_table([summary])).replace("\n", " ")
    assert loud in shown(summary_panel(summary))
    calm = replace(summary, outcomes={"answered": 2184})
    assert "ended unknown" not in shown(progress_table([calm])) + shown(summary_panel(calm))


def test_what_does_not_dial_has_no_speed(summary):
    idle = replace(summary, rate=0.0, ends_at=None, contacts={ContactStatus.PENDING: 5}, outcomes={})
    assert shown(progress_table([idle])).count("\n") == 1
    assert "no call has been requested lately" in shown(summary_panel(idle))
