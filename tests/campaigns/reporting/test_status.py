"""The operator always knows why: what a campaign is doing, or the one thing that holds it and when that will pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from campaigns.ledger.moves import note_release
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.lifecycle import ContactStatus
from campaigns.operations import control
from campaigns.reporting.status import CampaignSummary, summarize_campaign, unknown_warning
from campaigns.reporting.surroundings import Surroundings
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept, mark_unconfirmed
from dialer.calls import Outcome
from dialer.providers.registry import account_settings
from dialer.verdicts import Ruling, Verdict
from tests.support.seeding import campaign_row, claim, dialing, fresh, numbers, open_all, seed
from tests.support.statuses import as_contact

SETTINGS = account_settings(provider="callgear")
HELD = {"held_by": "day points", "hold_kind": "day_points"}


def told(ledger, campaign_id, now) -> CampaignSummary:
    with ledger.reading() as db:
        return summarize_campaign(db, campaign_row(ledger, campaign_id), now)


def noted(ledger, now, **facts):
    """What the release tick leaves in the ledger."""
    with ledger.writing() as db:
        note_release(db, now)
        if facts:
            db.execute(update(campaigns).values(**facts))


def put_off(ledger, until):
    with ledger.writing() as db:
        db.execute(update(contacts).values(due_at=until))


def test_a_campaign_at_work_is_dialing(ledger, clock):
    campaign_id = seed(ledger, numbers(4), now=clock())
    noted(ledger, clock())
    now = told(ledger, campaign_id, clock())
    assert (now.kind, now.clears_at, now.due_now, now.total, now.final) == ("about_to_dial", None, 4, 4, 0)
    open_all(ledger, *claim(ledger, campaign_id, 1, now=clock()), now=clock())
    now = told(ledger, campaign_id, clock())
    assert (now.why, now.due_now, now.in_progress) == ("dialing", 3, 1)


def test_a_contact_that_is_with_a_worker_is_about_to_be_dialed_not_finished(ledger, clock):
    campaign_id = seed(ledger, numbers(1), now=clock())
    claim(ledger, campaign_id, 1, now=clock())
    noted(ledger, clock())
    assert told(ledger, campaign_id, clock()).kind == "about_to_dial"


def test_a_limit_that_binds_is_named_with_its_end(ledger, clock):
    campaign_id = seed(ledger, numbers(3), now=clock())
    until = clock() + timedelta(hours=5)
    noted(ledger, clock(), held_until=until, **HELD)
    now = told(ledger, campaign_id, clock())
    assert (now.why, now.clears_at) == ("held by a limit: day points", until)


def test_a_limit_is_named_also_when_every_contact_was_put_off_until_it_passes(ledger, clock):
    """A throttled contact waits up to a tenth longer than the limit: it does not wait for another try of its own."""
    campaign_id = seed(ledger, numbers(1), now=clock())
    until = clock() + timedelta(hours=5)
    put_off(ledger, until + timedelta(minutes=29))
    noted(ledger, clock(), held_until=until, **HELD)
    assert told(ledger, campaign_id, clock()).why == "held by a limit: day points"


def test_waiting_for_another_try_is_told_with_its_moment(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), retry={"max_attempts": 2, "busy": ["5m"]})
    ledger.write(accept, one, "c-1", SETTINGS, now=clock())
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=Outcome.BUSY, ended_at=clock()), now=clock())
    noted(ledger, clock())
    now = told(ledger, one.campaign_id, clock())
    assert now.why == "whoever may be called at this hour waits for another try"
    assert now.clears_at == now.next_due_at == clock() + timedelta(minutes=5)
    assert (now.attempts, now.outcomes) == (1, {"busy": 1})


def test_a_closed_window_is_told_with_its_opening(ledger, clock):
    clock.now = datetime(2026, 12, 1, 21, 0, tzinfo=UTC)
    schedule = {"zone": "UTC", "windows": {"mon-fri": "09:00-20:00"}}
    campaign_id = seed(ledger, numbers(2), now=clock(), schedule=schedule)
    opening = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
    put_off(ledger, opening)
    noted(ledger, clock())
    now = told(ledger, campaign_id, clock())
    assert (now.why, now.clears_at) == ("the calling window is closed", opening)


def test_calls_in_progress_are_counted_apart_from_those_nobody_is_sure_of(ledger, clock):
    first, second, third = dialing(ledger, numbers(3), now=clock())
    ledger.write(accept, first, "c-1", SETTINGS, now=clock())
    ledger.write(mark_unconfirmed, second, Ruling(verdict=Verdict.UNCONFIRMED), settle_seconds=180.0, now=clock())
    noted(ledger, clock())
    now = told(ledger, third.campaign_id, clock())
    assert (now.in_progress, now.unconfirmed, now.why) == (2, 1, "calls are in progress")
    assert now.contacts == {ContactStatus.PLACED: 1, ContactStatus.DIALING: 2}


def test_when_every_contact_is_final_it_is_finishing(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    ledger.write(accept, one, "c-1", SETTINGS, now=clock())
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=Outcome.ANSWERED, ended_at=clock()), now=clock())
    noted(ledger, clock())
    now = told(ledger, one.campaign_id, clock())
    assert (now.why, now.final) == ("finishing", 1)


def test_a_campaign_that_no_tick_has_looked_at_says_what_may_be_the_reason(ledger, clock):
    """Ticks come by Redis and run beside the calls, so either may keep them away while workers run."""
    campaign_id = seed(ledger, numbers(1), now=clock())
    assert told(ledger, campaign_id, clock.forward(9)).kind == "about_to_dial", "its first tick may be on its way"
    assert told(ledger, campaign_id, clock.forward(7)).kind == "no_tick"
    noted(ledger, clock())
    assert told(ledger, campaign_id, clock()).kind != "no_tick"
    assert told(ledger, campaign_id, clock.forward(16)).kind == "no_tick"


def test_a_campaign_resumed_after_a_long_pause_is_not_said_to_lack_a_worker(ledger, clock):
    campaign_id = seed(ledger, numbers(1), now=clock())
    noted(ledger, clock())
    control.pause(ledger, campaign_id, who="test", now=clock())
    control.resume(ledger, campaign_id, who="test", now=clock.forward(3600))
    assert told(ledger, campaign_id, clock.forward(1)).kind == "about_to_dial"


@pytest.mark.parametrize(
    ("stop", "why"),
    [(control.pause, "paused by test: the text is wrong"), (control.cancel, "cancelled by test: the text is wrong")],
    ids=["paused", "cancelled"],
)
def test_a_campaign_that_was_stopped_says_why(ledger, clock, stop, why):
    campaign_id = seed(ledger, numbers(1), now=clock())
    stop(ledger, campaign_id, who="test", now=clock(), reason="the text is wrong")
    assert told(ledger, campaign_id, clock()).why == why


def test_a_campaign_that_has_not_started_says_when_it_will(ledger, clock):
    start = clock() + timedelta(days=1)
    campaign_id = seed(ledger, numbers(1), now=clock(), schedule={"start": start.isoformat()})
    now = told(ledger, campaign_id, clock())
    assert (now.why, now.clears_at) == ("it has not started yet", start)


def test_only_calls_that_the_provider_accepted_count_as_attempts(ledger, clock):
    campaign_id = seed(ledger, numbers(2), now=clock())
    claim_id, ids = claim(ledger, campaign_id, 2, now=clock())
    opened = sorted(open_all(ledger, claim_id, ids, now=clock()))
    ledger.write(accept, fresh(ledger, opened[0]), "c-1", SETTINGS, now=clock())
    assert told(ledger, campaign_id, clock()).attempts == 1


def at_work(ledger, clock, **changes) -> str:
    """A campaign of 100 contacts that has called 60 of them in its first 30 seconds; 40 are final."""
    campaign_id = seed(ledger, numbers(100), now=clock(), **changes)
    for _second in range(30):
        open_all(ledger, *claim(ledger, campaign_id, 2, now=clock.forward(1)), now=clock())
    with ledger.writing() as db:
        first = select(contacts.c.id).order_by(contacts.c.id).limit(40)
        db.execute(update(contacts).where(contacts.c.id.in_(first)).values(**as_contact("reached", clock())))
    noted(ledger, clock())
    return campaign_id


def test_the_rate_now_stands_beside_the_pace_and_tells_when_it_will_be_through(ledger, clock):
    campaign_id = at_work(ledger, clock, pace=8)
    with ledger.reading() as db:
        around = Surroundings(paces={"main": 5.0})
        now = summarize_campaign(db, campaign_row(ledger, campaign_id), clock(), around)
    assert (now.rate, now.pace, now.kind) == (pytest.approx(2.0, rel=0.1), 5.0, "dialing")
    # 40 wait, and each needs 60 / 40 calls
    assert now.ends_at is not None
    assert (now.ends_at - clock()).total_seconds() == pytest.approx(30, rel=0.1)
    assert told(ledger, campaign_id, clock.forward(60)).rate == 0


@pytest.mark.parametrize(("begins", "foreseen"), [((15, 0, 0), True), ((19, 59, 15), False)])
def test_no_end_is_foreseen_beyond_the_hours_of_today(ledger, clock, begins, foreseen):
    hour, minute, second = begins
    clock.now = clock().replace(hour=hour, minute=minute, second=second)
    campaign_id = at_work(ledger, clock, schedule={"zone": "UTC", "windows": {"mon-sun": "09:00-20:00"}})
    assert (told(ledger, campaign_id, clock()).ends_at is not None) is foreseen


@pytest.mark.parametrize(
    ("unknown", "answered", "many"), [(9, 0, False), (10, 0, True), (10, 85, True), (10, 91, False)]
)
def test_many_calls_that_end_unknown_are_loud(ledger, clock, unknown, answered, many):
    opened = dialing(ledger, numbers(unknown + answered), now=clock())
    with ledger.writing() as db:
        ended = {"status": "ended", "ended_at": clock(), "outcome": "answered"}
        db.execute(update(attempts).values(**ended))
        some = [one.id for one in opened[:unknown]]
        db.execute(update(attempts).where(attempts.c.id.in_(some)).values(status="unknown", outcome="unknown"))
    now = told(ledger, opened[0].campaign_id, clock())
    assert now.many_unknown is many
    assert f"{unknown:,} of {unknown + answered:,} calls ended unknown" in unknown_warning(now)
