"""`explain` names the one reason why nothing is being dialed, and when it clears: each of them provoked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from campaigns.dispatch.dial import dial
from campaigns.dispatch.release import release
from campaigns.launch.redial import redial
from campaigns.ledger.moves import note_release
from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.operations import control
from campaigns.operations.sweep import sweep
from campaigns.reporting.explain import NoSuchContact, explain_campaign, explain_contact
from campaigns.reporting.hold_reason import HoldKind, HoldReason, hold_reason
from campaigns.reporting.surroundings import NOT_ASKED, Surroundings, Trouble, TroubleKind
from campaigns.runtime import Runtime
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept
from dialer.account_settings import AccountSettings
from dialer.calls import Outcome
from dialer.phone import parse
from dialer.providers.registry import account_settings
from dialer.verdicts import Meter, Verdict
from tests.campaigns.safeguards.test_circuit_breaker import phones, tick
from tests.support.dialers import callgear, webex, working
from tests.support.fixtures import HandSetClock
from tests.support.seeding import campaign_row, claim, dial_again, dialing, fresh, numbers, open_all, seed
from tests.support.statuses import as_contact

TUESDAY_NIGHT = datetime(2035, 12, 4, 21, 0, tzinfo=UTC)
TUESDAY = datetime(2035, 12, 4, 15, 0, tzinfo=UTC)
OFFICE = {"zone": "UTC", "windows": {"mon-fri": "09:00-20:00"}}
SETTINGS = account_settings(provider="callgear")
RETRY = {"max_attempts": 3, "busy": ["5m", "15m"]}


def test_the_next_reminder_that_is_told_is_waited_for_whoever_has_an_earlier_appointment(ledger, clock):
    """Nobody is called at the appointment of a contact that gets no reminder."""
    clock.now = TUESDAY
    before = OFFICE | {"before": {"column": "at", "at": ["2h"]}}
    campaign_id = seed(ledger, numbers(2), now=clock(), schedule=before)
    early, due = TUESDAY + timedelta(hours=14), TUESDAY + timedelta(hours=20)
    with ledger.writing() as db:
        untold, reminded = db.scalars(select(contacts.c.id).order_by(contacts.c.id)).all()
        db.execute(update(contacts).where(contacts.c.id == untold).values(due_at=early, not_after=early))
        db.execute(update(contacts).where(contacts.c.id == reminded).values(due_at=due, reminder=1))
    waits = told(ledger, campaign_id, clock())
    assert (waits.kind, waits.clears_at) == (HoldKind.WAITING_FOR_REMINDER, due)
    with ledger.writing() as db:
        db.execute(update(contacts).where(contacts.c.id == reminded).values(**as_contact("reached", clock())))
    over = told(ledger, campaign_id, clock())
    assert (over.kind, over.words, over.clears_at) == (
        *(HoldKind.FINISHING, "no reminder is left for those who wait", None),
    )


@pytest.fixture
def worker(ledger, redis_url, buckets, clock) -> Iterator[Callable[..., Runtime]]:
    """A worker with this account, whose release ticks note what binds."""
    with ExitStack() as stack:

        def make(account: AccountSettings | None = None, url: str = redis_url) -> Runtime:
            clock.now = TUESDAY
            return stack.enter_context(working(ledger, url, {"main": account or webex()}, clock=clock))

        yield make


def told(ledger, campaign_id: str, now: datetime, around: Surroundings = NOT_ASKED) -> HoldReason:
    with ledger.reading() as db:
        return hold_reason(db, campaign_row(ledger, campaign_id), now, around)


# The twelve


def test_a_closed_window(ledger, clock, worker):
    using, clock.now = worker(), TUESDAY_NIGHT
    campaign_id = seed(ledger, numbers(2), now=clock(), schedule=OFFICE)
    assert release(using=using) == []
    reason = told(ledger, campaign_id, clock())
    assert (reason.kind, reason.clears_at) == (HoldKind.WINDOW_CLOSED, datetime(2035, 12, 5, 9, tzinfo=UTC))


def test_a_holiday(ledger, clock, worker):
    using = worker()
    campaign_id = seed(ledger, numbers(2), now=clock(), schedule=OFFICE | {"holidays": ["2035-12-04"]})
    assert release(using=using) == []
    reason = told(ledger, campaign_id, clock())
    assert (reason.kind, reason.clears_at) == (HoldKind.HOLIDAY, datetime(2035, 12, 5, 9, tzinfo=UTC))
    assert "2035-12-04" in reason.words


@pytest.mark.parametrize(
    ("meter", "kind", "named"),
    [
        (Meter(minute_limit=10, minute_remaining=0, minute_reset=40), HoldKind.BUCKET_EMPTY, "minute points"),
        (
            Meter(minute_limit=10, minute_remaining=9, minute_reset=40, day_limit=50, day_remaining=0, day_reset=7200),
            HoldKind.DAY_POINTS,
            "day points",
        ),
    ],
    ids=["bucket empty", "day points used"],
)
def test_points_that_are_used_up(ledger, clock, worker, meter, kind, named):
    using = worker(callgear())
    bucket = using.accounts["main"].bucket
    assert bucket.acquire("first").granted
    bucket.settle("first", charged=True, meter=meter)
    campaign_id = seed(ledger, numbers(2), now=clock())
    assert release(using=using) == []
    reason = told(ledger, campaign_id, clock())
    assert (reason.kind, named in reason.words) == (kind, True)
    assert reason.clears_at is not None
    assert reason.clears_at > clock()


def test_a_pause_by_a_person(ledger, clock):
    campaign_id = seed(ledger, numbers(1), now=clock())
    control.pause(ledger, campaign_id, who="ann", now=clock(), reason="the text is wrong")
    reason = told(ledger, campaign_id, clock())
    assert (reason.kind, reason.words) == (HoldKind.PAUSED_BY_PERSON, "paused by ann: the text is wrong")
    assert (reason.by, reason.since) == ("ann", clock())
    assert reason.remedy(campaign_row(ledger, campaign_id)) == f"dialer resume {campaign_id}"


def test_the_breaker(ledger, clock, worker):
    using = worker(webex(pace=50))
    campaign_id = seed(ledger, phones(120), now=clock())
    tick(using, Verdict.NOT_PLACED, mnemonic="internal_error")
    assert tick(using) == {}
    reason = told(ledger, campaign_id, clock())
    assert reason.kind is HoldKind.BREAKER
    assert reason.clears_at is not None
    assert reason.clears_at > clock()


@pytest.mark.parametrize("limits", [{"calls": 2}, {"day_calls": 2}])
def test_a_budget(ledger, clock, worker, limits):
    using = worker(webex(pace=50))
    campaign_id = seed(ledger, numbers(5), now=clock(), limits=limits)
    assert tick(using) == {campaign_id: 2}
    with ledger.writing() as db:
        db.execute(update(attempts).values(counted=True))
    assert tick(using) == {}
    reason = told(ledger, campaign_id, clock())
    assert reason.kind is HoldKind.BUDGET
    assert (reason.clears_at is not None) == ("day_calls" in limits)


def test_all_that_is_left_waits_for_a_retry(ledger, clock, worker):
    using = worker()
    (one,) = dialing(ledger, numbers(1), now=clock(), retry=RETRY)
    ledger.write(accept, one, "c-1", SETTINGS, now=clock())
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=Outcome.BUSY, ended_at=clock()), now=clock())
    assert release(using=using) == []
    reason = told(ledger, one.campaign_id, clock())
    assert (reason.kind, reason.clears_at) == (HoldKind.WAITING_FOR_RETRY, clock() + timedelta(minutes=5))


HERE_AND_THERE = {"zone": "UTC", "windows": {"mon-fri": "09:00-20:00"}, "holidays": ["2035-12-05"]}


def in_two_zones(ledger, clock, here: str, there: str) -> str:
    """A campaign whose first contact has been reached in `here`; the other waits in `there`."""
    campaign_id = seed(ledger, numbers(2), now=clock(), schedule=HERE_AND_THERE)
    with ledger.writing() as db:
        db.execute(update(campaigns).values(zones=sorted([here, there])))
        first = select(func.min(contacts.c.id)).scalar_subquery()
        db.execute(update(contacts).values(zone=there))
        db.execute(update(contacts).where(contacts.c.id == first).values(zone=here, **as_contact("reached", clock())))
    return campaign_id


@pytest.mark.parametrize(
    ("now", "here", "there", "kind", "clears_at"),
    [
        # Nine in London, four in New York: nobody waits for another try.
        ("2035-12-04T09:30Z", "Europe/London", "America/New_York", HoldKind.WINDOW_CLOSED, "2035-12-04T14:00Z"),
        # Night in New York, where a holiday begins; in Auckland it is over.
        ("2035-12-05T11:30Z", "America/New_York", "Pacific/Auckland", HoldKind.WINDOW_CLOSED, "2035-12-05T20:00Z"),
        ("2035-12-05T11:30Z", "Pacific/Auckland", "America/New_York", HoldKind.HOLIDAY, "2035-12-06T14:00Z"),
    ],
)
def test_what_binds_is_what_holds_where_those_are_who_are_left(
    ledger, clock, worker, now, here, there, kind, clears_at
):
    using, clock.now = worker(), datetime.fromisoformat(now)
    campaign_id = in_two_zones(ledger, clock, here, there)
    assert release(using=using) == []
    reason = told(ledger, campaign_id, clock())
    assert (reason.kind, reason.clears_at) == (kind, datetime.fromisoformat(clears_at))


def test_numbers_that_have_had_their_calls(ledger, clock, worker):
    using = worker()
    dialing(ledger, numbers(2), now=clock(), campaign="other")
    campaign_id = seed(ledger, numbers(2), now=clock(), frequency={"per_number": "1/24h"})
    (slice_,) = (one for one in release(using=using) if one.campaign_id == campaign_id)
    dial(slice_, using=using)
    clock.forward(1)
    release(using=using)
    reason = told(ledger, campaign_id, clock())
    assert (reason.kind, reason.clears_at) == (HoldKind.CAPPED, clock() + timedelta(hours=24, seconds=-1))
    assert "1/24h" in reason.words


def test_a_vendor_that_is_down(ledger, clock, worker):
    using = worker(webex())  # nobody listens at its address
    campaign_id = seed(ledger, numbers(4), now=clock())
    assert [dial(one, using=using) for one in release(using=using)]
    clock.forward(1)
    release(using=using)
    reason = told(ledger, campaign_id, clock())
    assert reason.kind is HoldKind.VENDOR_DOWN
    assert reason.clears_at is not None


@pytest.mark.parametrize("kind", TroubleKind)
@pytest.mark.parametrize("later", [0, 60], ids=["at once", "when ticks are late"])
def test_what_keeps_everything_from_dialing_is_told_whatever_the_campaign(ledger, clock, kind, later):
    """`tests/scenarios/test_why_nothing_is_dialed.py` provokes each on a real stack."""
    campaign_id = seed(ledger, numbers(1), now=clock())
    clock.forward(later)
    reason = told(ledger, campaign_id, clock(), Surroundings(look=lambda: Trouble(kind, "so it is")))
    assert (reason.kind, reason.words) == (HoldKind(kind), "so it is")
    assert reason.remedy(campaign_row(ledger, campaign_id))


def test_where_nobody_is_asked_it_is_told_how_long_no_tick_has_come(ledger, clock):
    campaign_id = seed(ledger, numbers(1), now=clock())
    reason = told(ledger, campaign_id, clock.forward(60))
    assert (reason.kind, "for 60 s" in reason.words) == (HoldKind.NO_TICK, True)


def test_it_is_dialing_only_while_requests_leave(ledger, clock):
    campaign_id = seed(ledger, numbers(2), now=clock())
    open_all(ledger, *claim(ledger, campaign_id, 1, now=clock()), now=clock())
    ticked(ledger, clock)
    assert told(ledger, campaign_id, clock()).kind is HoldKind.DIALING
    clock.forward(6)
    ticked(ledger, clock)
    assert told(ledger, campaign_id, clock()).kind is HoldKind.ABOUT_TO_DIAL, "a worker may just be slow"


def test_contacts_that_no_worker_takes_are_told_with_how_long(ledger, clock):
    campaign_id = seed(ledger, numbers(3), now=clock())
    claim(ledger, campaign_id, 2, now=clock())
    clock.forward(14)
    ticked(ledger, clock)
    reason = told(ledger, campaign_id, clock())
    assert (reason.kind, "14 s ago" in reason.words) == (HoldKind.NOT_TAKEN, True)
    nobody = Surroundings(consumers=lambda: Trouble(TroubleKind.NO_CONSUMER, "no worker takes calls"))
    assert told(ledger, campaign_id, clock(), nobody).kind is HoldKind.NO_CONSUMER


def test_a_campaign_behind_others_of_its_account_waits_for_its_turn(ledger, clock):
    campaign_id = seed(ledger, numbers(3), now=clock())
    clock.forward(30)
    dialing(ledger, numbers(1, area=212), now=clock(), campaign="other")
    ticked(ledger, clock)
    assert told(ledger, campaign_id, clock()).kind is HoldKind.WAITS_ITS_TURN


def test_a_clock_that_was_set_is_a_reason_of_its_own(ledger, clock):
    campaign_id = seed(ledger, numbers(1), now=clock())
    with ledger.writing() as db:
        db.execute(update(campaigns).values(held_by="the clock was set", hold_kind="clock_set"))
    ticked(ledger, clock)
    reason = told(ledger, campaign_id, clock())
    assert (reason.kind, reason.words) == (HoldKind.CLOCK_SET, "the clock was set")


def test_what_a_clock_that_was_ahead_has_written_proves_no_dialing(ledger, clock):
    """A request and a tick of two hours ahead, and nothing since the clock was set back."""
    (attempt,) = dialing(ledger, numbers(1), now=clock())
    campaign_id = attempt.campaign_id
    ticked(ledger, clock)
    assert told(ledger, campaign_id, clock()).kind is not HoldKind.NO_TICK
    set_back = clock() - timedelta(hours=2)
    reason = told(ledger, campaign_id, set_back)
    assert (reason.kind, "since the clock was set back" in reason.words) == (HoldKind.NO_TICK, True)
    beatless = Surroundings(look=lambda: Trouble(TroubleKind.NO_BEAT, "beat does not run"))
    assert told(ledger, campaign_id, set_back, beatless).kind is HoldKind.NO_BEAT


def test_redis_that_went_away_from_a_worker(ledger, clock, worker):
    using = worker(url="redis://127.0.0.1:1/0")
    campaign_id = seed(ledger, numbers(1), now=clock())
    assert release(using=using) == []
    assert told(ledger, campaign_id, clock()).kind is HoldKind.REDIS_AWAY


def test_a_finished_campaign(ledger, clock, worker):
    using = worker()
    (one,) = dialing(ledger, numbers(1), now=clock())
    ledger.write(accept, one, "c-1", SETTINGS, now=clock())
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=Outcome.ANSWERED, ended_at=clock()), now=clock())
    sweep(using=using)
    assert told(ledger, one.campaign_id, clock()).kind is HoldKind.FINISHED


def test_a_campaign_that_has_not_started_says_when_it_will(ledger, clock):
    start = clock() + timedelta(days=1)
    campaign_id = seed(ledger, numbers(1), now=clock(), schedule={"start": start.isoformat()})
    reason = told(ledger, campaign_id, clock())
    assert (reason.kind, reason.clears_at) == (HoldKind.SCHEDULED, start)


def test_the_page_lists_every_reason_that_explain_gives():
    page = (Path(__file__).parents[3] / "docs" / "when-and-whether.md").read_text()
    table = page.split("| kind | what holds the campaign |")[1].split("\n\n")[0]
    named = [kind for row in table.split("\n|") for kind in re.findall("`([a-z_]+)`", row.split("|")[0])]
    assert sorted(named) == sorted(HoldKind)


# One contact


def story(ledger, clock: HandSetClock, campaign_id: str):
    return explain_contact(ledger, campaign_id, parse(numbers(1)[0]), now=clock())


def ticked(ledger, clock) -> None:
    ledger.write(note_release, clock())


def test_a_contacts_story_tells_what_was_tried_and_when_it_is_tried_again(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), retry=RETRY)
    ledger.write(accept, one, "c-1", SETTINGS, now=clock())
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=Outcome.BUSY, ended_at=clock()), now=clock())
    ticked(ledger, clock)
    told = story(ledger, clock, one.campaign_id)
    assert [(tried.number, tried.became) for tried in told.tried] == [(1, "busy")]
    assert (told.why, told.clears_at) == ("it waits for its next try", clock() + timedelta(minutes=5))
    assert told.number not in numbers(1)


def test_a_contact_at_its_cap_says_which_and_until_when(ledger, clock):
    dialing(ledger, numbers(1), now=clock(), campaign="other")
    campaign_id = seed(ledger, numbers(1), now=clock(), frequency={"per_number": "1/24h"})
    ticked(ledger, clock)
    told = story(ledger, clock, campaign_id)
    assert (told.why, told.clears_at) == (
        "its number has had its calls: at most 1/24h",
        clock() + timedelta(hours=24),
    )


def test_the_cap_is_asked_for_the_contacts_own_moment(ledger, clock):
    """Not for now: what binds the next try is what the cap says then."""
    (one,) = dialing(ledger, numbers(1), now=clock(), retry=RETRY, frequency={"per_number": ["1/4m", "2/1h"]})
    ledger.write(accept, one, "c-1", SETTINGS, now=clock())
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=Outcome.BUSY, ended_at=clock()), now=clock())
    ticked(ledger, clock)
    told = story(ledger, clock, one.campaign_id)
    assert (told.why, told.clears_at) == ("it waits for its next try", clock() + timedelta(minutes=5))
    dialing(ledger, numbers(1), now=clock(), campaign="other")
    told = story(ledger, clock, one.campaign_id)
    assert (told.why, told.clears_at) == ("its number has had its calls: at most 2/1h", clock() + timedelta(hours=1))


def test_a_contact_whom_the_cap_has_put_off_says_so_until_then(ledger, clock):
    dialing(ledger, numbers(1), now=clock(), campaign="other")
    campaign_id = seed(ledger, numbers(1), now=clock(), frequency={"per_number": "1/24h"})
    with ledger.writing() as db:
        mine = update(contacts).where(contacts.c.campaign_id == campaign_id)
        db.execute(mine.values(due_at=clock() + timedelta(hours=24)))
    ticked(ledger, clock)
    told = story(ledger, clock, campaign_id)
    assert (told.why, told.clears_at) == ("its number has had its calls: at most 1/24h", clock() + timedelta(hours=24))


def test_after_a_redial_the_whole_story_is_told(ledger, clock):
    opened = dialing(ledger, numbers(2), now=clock())
    for one, outcome in zip(opened, (Outcome.ANSWERED, Outcome.NO_ANSWER), strict=True):
        ledger.write(accept, one, f"c-{one.contact_id}", SETTINGS, now=clock())
        ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=outcome, ended_at=clock()), now=clock())
    control.cancel(ledger, opened[0].campaign_id, who="ann", now=clock.forward(60))
    again = redial(ledger, "reminders", who="ann", now=clock())
    dial_again(ledger, opened[1].contact_id + 1, now=clock())
    asked = {"now": clock()}
    reached = explain_contact(ledger, "reminders", parse(numbers(1)[0]), **asked)
    assert (reached.campaign.id, reached.why) == ("reminders-1", "it is reached: answered")
    called = explain_contact(ledger, "reminders", parse(numbers(2)[1]), **asked)
    assert (called.campaign.id, called.why) == (again.id, "its call is in progress")
    assert [(run.campaign, run.status) for run in called.runs] == [
        (opened[0].campaign_id, "unreached"),
        (again.id, "dialing"),
    ]
    assert [(one.campaign, one.number, one.became) for one in called.tried] == [
        (opened[0].campaign_id, 1, "no_answer"),
        (again.id, 1, "dialing"),
    ]
    with pytest.raises(NoSuchContact) as refused:
        explain_contact(ledger, again.id, parse(numbers(1)[0]), **asked)
    assert "reminders-1" in refused.value.remedy


def test_a_contact_whose_window_is_closed_says_when_it_opens(ledger, clock):
    clock.now = TUESDAY_NIGHT
    campaign_id = seed(ledger, numbers(1), now=clock(), schedule=OFFICE)
    ticked(ledger, clock)
    told = story(ledger, clock, campaign_id)
    assert (told.why, told.clears_at) == ("the window is closed where it is", datetime(2035, 12, 5, 9, tzinfo=UTC))


@pytest.mark.parametrize("limit", [{"schedule": OFFICE}, {"frequency": {"per_number": "1/24h"}}], ids=["window", "cap"])
def test_a_contact_whose_not_after_comes_before_its_next_moment_is_told_that_it_will_not_be_called(
    ledger, clock, limit
):
    clock.now = TUESDAY_NIGHT
    dialing(ledger, numbers(1), now=clock(), campaign="other")
    soon = clock() + timedelta(hours=12)  # at nine
    campaign_id = seed(ledger, numbers(1), now=clock(), not_after=soon, **limit)
    ticked(ledger, clock)
    told = story(ledger, clock, campaign_id)
    assert (told.why.endswith("longer than its not_after: it will not be called"), told.clears_at) == (True, None)


def test_a_contact_on_the_list_says_who_put_it_there(ledger, clock):
    campaign_id = seed(ledger, numbers(1), now=clock())
    ledger.write(suppress, numbers(1)[0], reason="asked us", source="ann", now=clock())
    told = story(ledger, clock, campaign_id)
    assert told.why == "it is on the suppression list and will not be called: asked us"
    assert [line.source for line in told.suppressions] == ["ann"]


def test_a_contact_of_a_paused_campaign_has_the_campaigns_reason(ledger, clock):
    campaign_id = seed(ledger, numbers(1), now=clock())
    control.pause(ledger, campaign_id, who="ann", now=clock())
    assert story(ledger, clock, campaign_id).why == "paused by ann"


def test_a_number_that_is_no_contact_is_named_masked(ledger, clock):
    campaign_id = seed(ledger, numbers(1), now=clock())
    with pytest.raises(NoSuchContact) as refused:
        explain_contact(ledger, campaign_id, parse("+12125550199"), now=clock())
    assert refused.value.message == "+1212*****99 is not among the 1 contact of reminders-1"
    assert refused.value.remedy == "none of its rows was rejected: look for the number in its list, contacts.csv"
    assert explain_campaign(ledger, campaign_id, now=clock())[0].id == campaign_id


def test_a_number_that_is_no_contact_is_looked_for_in_the_rejects_and_in_other_campaigns(ledger, clock):
    campaign_id = seed(ledger, numbers(1), now=clock())
    with ledger.writing() as db:
        db.execute(update(campaigns).values(rejects_file="/data/reports/reminders-1-rejects.csv"))
    other = seed(ledger, numbers(1, area=212), now=clock(), campaign="others")
    with pytest.raises(NoSuchContact) as refused:
        explain_contact(ledger, campaign_id, parse(numbers(1, area=212)[0]), now=clock())
    assert f"it is one of {other}" in refused.value.remedy
    assert "contacts.csv that were not taken stand with their reason in /data/reports/reminders-1-rejects.csv" in (
        refused.value.remedy
    )


def test_a_number_that_was_left_out_for_the_suppression_list_says_so(ledger, clock):
    campaign_id = seed(ledger, numbers(1), now=clock())
    ledger.write(suppress, "+12125550199", reason="asked us", source="ann", now=clock())
    with pytest.raises(NoSuchContact) as refused:
        explain_contact(ledger, campaign_id, parse("+12125550199"), now=clock())
    assert "on the suppression list (asked us)" in refused.value.remedy
