"""The plan says each row's fate and when all is over; the campaign, run after it, does as planned."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, insert, select, update

from campaigns.launch.checking.checks import check, open_audience
from campaigns.launch.exclusions import Exclusions
from campaigns.launch.launch import launch
from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.lifecycle import AttemptStatus
from campaigns.planning.outcome_model import MOST_THROTTLES
from campaigns.planning.plan import Plan, make_plan
from campaigns.planning.row_forecasts import row_forecasts, write_row_forecasts
from campaigns.runtime import Runtime
from console.cli.commands.plan import plan_facts
from dialer.account_settings import AccountSettings
from dialer.bucket import BucketState, PointsWindow
from dialer.calls import Outcome
from dialer.deadline import utc_now
from dialer.follow_timing import seconds_to_settle
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from dialer.verdicts import Verdict
from tests.support.dialers import callgear, carry_out, door, webex, working
from tests.support.seeding import campaign_row, dialing, numbers, seed

CAMPAIGN = """\
campaign: planned
account: main
contacts:
  file: list.csv
message:
  tts: "Hello {{ name }}, this is a reminder."
caller_id: "+18005550100"
"""
ACCOUNTS = {"main": webex(pace=10)}
TUESDAY = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)


def planned(
    folder: Path,
    ledger,
    *rows: str,
    now: datetime = TUESDAY,
    more: str = "",
    accounts: Any = ACCOUNTS,
    standing: BucketState | None = None,
) -> Plan:
    (folder / "planned.yaml").write_text(CAMPAIGN + more)
    (folder / "list.csv").write_text("phone,name\n" + "".join(f"{row}\n" for row in rows))
    audience = open_audience(folder / "planned.yaml", accounts, exclusions_for=lambda one: Exclusions(ledger, one, now))
    return make_plan(audience, accounts["main"], ledger, now=now, rng=Random(1), bucket_state=standing)


def good(count: int) -> list[str]:
    return [f"{number},Ann" for number in numbers(count)]


def test_each_row_has_its_fate_in_the_lists_order(ledger, tmp_path):
    ledger.write(suppress, numbers(2)[1], reason="asked us", source="ann", now=TUESDAY)
    rows = [*good(2), "+1415,Short", f"{numbers(3)[2]},", f"{numbers(4)[3]},Bob"]
    plan = planned(tmp_path, ledger, *rows)
    told = list(row_forecasts(plan))
    assert [(one.line, one.fate) for one in told] == [
        (2, "dial"),
        (3, "suppressed"),
        (4, "rejected"),
        (5, "rejected"),
        (6, "dial"),
    ]
    assert told[1].reason == "on the suppression list: asked us"
    assert told[0].characters == len("Hello Ann, this is a reminder.")
    assert (told[0].at, told[4].at) == (TUESDAY, TUESDAY + timedelta(seconds=0.1))
    assert numbers(1)[0] not in repr(told)


def test_a_row_is_dialed_in_its_own_window_or_expires(ledger, tmp_path):
    more = 'schedule: {zone: UTC, windows: {mon-fri: "09:00-12:00"}, end: "2026-12-02T19:00"}\n'
    plan = planned(
        tmp_path, ledger, "+12125550101,Ann", "+14155550101,Bob", "+18085550101,Cat", more=more
    )  # New York, Los Angeles, Honolulu
    ann, bob, cat = row_forecasts(plan)
    assert (ann.at, ann.window) == (TUESDAY, "tue 09:00-12:00")
    assert bob.at == datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
    assert str(bob.local_time) == "2026-12-01 09:00:00-08:00"
    assert (cat.fate, plan.expired) == ("dial", 0)
    assert cat.at == datetime(2026, 12, 1, 19, 0, tzinfo=UTC)
    late = planned(tmp_path, ledger, "+18085550101,Cat", more=more.replace("02T19", "01T18"))
    assert [(one.fate, one.reason) for one in row_forecasts(late)] == [
        ("expires", "its last moment comes before its turn")
    ]


def test_those_whose_windows_are_open_are_called_in_the_lists_order(ledger, tmp_path):
    """A moment loses a little on its way through a datetime, which must put nobody to the end."""
    more = 'schedule: {zone: UTC, windows: {mon-sun: "00:00-24:00"}}\n'
    now = TUESDAY + timedelta(seconds=1 / 3)
    mixed = [f"{number},Ann" for pair in zip(numbers(20), numbers(20, area=212), strict=True) for number in pair]
    moments = [one.at for one in row_forecasts(planned(tmp_path, ledger, *mixed, now=now, more=more))]
    assert moments == sorted(moments)
    assert moments[-1] - moments[0] == pytest.approx(timedelta(seconds=3.9), abs=timedelta(seconds=0.01))


def test_a_number_at_its_cap_is_planned_for_when_it_clears(ledger, tmp_path, clock):
    dialing(ledger, numbers(1), now=clock(), campaign="other")
    plan = planned(tmp_path, ledger, *good(2), now=clock(), more='frequency: {per_number: "1/24h"}\n')
    first, second = row_forecasts(plan)
    assert (first.at, second.at) == (clock() + timedelta(hours=24), clock())


def test_the_calls_of_rehearsals_fill_the_caps_of_their_plans_only(ledger, tmp_path, clock):
    for name, number in zip(("live", "rehearsed"), numbers(2), strict=True):
        dialing(ledger, [number], now=clock(), campaign=name)
    with ledger.writing() as db:
        db.execute(update(campaigns).where(campaigns.c.name == "rehearsed").values(rehearsal=True))
    more, tomorrow = 'frequency: {per_number: "1/24h"}\n', clock() + timedelta(hours=24)
    for sandbox, moments in ((False, [tomorrow, clock()]), (True, [clock(), tomorrow])):
        accounts = {"main": webex(pace=10, sandbox=sandbox)}
        plan = planned(tmp_path, ledger, *good(2), now=clock(), more=more, accounts=accounts)
        assert [one.at for one in row_forecasts(plan)] == moments


def test_a_call_handed_over_fills_the_caps_of_a_plan_from_when_it_is_placed(ledger, tmp_path, clock):
    dialing(ledger, numbers(1), now=clock(), campaign="other")
    placed = clock() + timedelta(hours=2)
    with ledger.writing() as db:
        db.execute(update(attempts).values(send_at=placed))
    (one,) = row_forecasts(planned(tmp_path, ledger, *good(1), now=clock(), more='frequency: {per_number: "1/24h"}\n'))
    assert one.at == placed + timedelta(hours=24)


def test_the_fates_are_written_whole(ledger, tmp_path):
    plan = planned(tmp_path, ledger, *good(3), "+1415,Short")
    assert write_row_forecasts(plan, tmp_path / "fates.csv") == 4
    with (tmp_path / "fates.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["fate"] for row in rows] == ["dial"] * 3 + ["rejected"]
    assert rows[0]["at"] == "2026-12-01T15:00:00+00:00"
    assert rows[0]["characters"] == "30"


# What is known of the account


def taught(ledger, clock, **facts: Any) -> None:
    """Sixty calls of the account that were answered after four seconds, and one request with these facts."""
    *calls, odd = dialing(ledger, numbers(61), now=clock(), campaign="taught")
    answered = {"status": AttemptStatus.ENDED, "outcome": Outcome.ANSWERED, "counted": True}
    later = clock() + timedelta(seconds=4)
    spoken = timedelta(seconds=calls[0].script_seconds)

    def write(db: Connection) -> None:
        mine = attempts.c.id.in_([call.id for call in calls])
        db.execute(update(attempts).where(mine).values(**answered, ended_at=later + spoken))
        db.execute(update(attempts).where(attempts.c.id == odd.id).values(ended_at=clock(), **facts))

    ledger.write(write)


def test_what_the_provider_refused_before_it_is_likely_to_refuse_again(ledger, tmp_path, clock):
    """One of 61 contacts: some 5 of 300, whom it asks for once and never calls."""
    taught(ledger, clock, status=AttemptStatus.NOT_PLACED, verdict=Verdict.REFUSE_CONTACT)
    rows = [f"{number},Ann" for area in (212, 305, 404, 617) for number in numbers(75, area=area)]
    plan = planned(tmp_path, ledger, *rows, now=clock())
    assert plan.outcome_model.calls == 60
    assert 285 <= plan.calls < 300
    assert plan.first_calls == 300, "nobody knows beforehand whom it will refuse"


def test_a_throttle_is_learned_with_its_wait(ledger, tmp_path, clock):
    wait = {"next_attempt_at": clock() + timedelta(seconds=30)}
    taught(ledger, clock, status=AttemptStatus.NOT_PLACED, verdict=Verdict.THROTTLED, **wait)
    plan = planned(tmp_path, ledger, *good(1), now=clock())
    assert ((Verdict.THROTTLED, 30.0),) in plan.outcome_model.recorded_contacts
    assert plan.outcome_model.first == {Outcome.ANSWERED: 60}


def test_a_provider_that_refused_for_hours_is_not_expected_to_refuse_everybody_for_hours(ledger, tmp_path, clock):
    """Those who were due at the time were asked for over and over; the others know nothing of it."""
    taught(ledger, clock, status=AttemptStatus.NOT_PLACED, verdict=Verdict.THROTTLED)
    with ledger.writing() as db:
        throttled = select(attempts).where(attempts.c.verdict == Verdict.THROTTLED)
        one = dict(db.execute(throttled).mappings().one())
        for number in range(2, 200):
            at = clock() - timedelta(seconds=number)
            again = {"id": uuid4(), "number": number, "dialing_at": at, "next_attempt_at": at + timedelta(seconds=1)}
            db.execute(insert(attempts).values(one | again))
    plan = planned(tmp_path, ledger, *good(1), now=clock())
    assert max(map(len, plan.outcome_model.recorded_contacts)) == MOST_THROTTLES
    assert plan.outcome_model.calls == 60


def test_for_machines_odds_are_parts_of_one_learned_or_assumed(ledger, tmp_path, clock):
    assumed = plan_facts(planned(tmp_path, ledger, *good(1), now=clock()))["odds"]
    later = clock() + timedelta(seconds=9)
    busy = {"status": AttemptStatus.ENDED, "outcome": Outcome.BUSY, "counted": True, "next_attempt_at": later}
    taught(ledger, clock, **busy)
    learned = plan_facts(planned(tmp_path, ledger, *good(1), now=clock()))["odds"]
    assert (assumed["first"]["answered"], assumed["learned_from_calls"]) == (0.7, 0)
    assert (learned["first"], learned["learned_from_calls"]) == ({"answered": 0.9836, "busy": 0.0164}, 61)


def test_an_account_whose_day_has_less_than_a_call_takes_is_named_and_no_budget_that_nobody_set(ledger, tmp_path):
    poor = {"main": webex(pace=10, day_points=5, call_points=10)}
    (one,) = row_forecasts(planned(tmp_path, ledger, *good(1), accounts=poor))
    assert (one.fate, one.reason) == ("over budget", "a call takes more than the account's points of a day")


def standing(**changes: Any) -> BucketState:
    facts = {"windows": (), "pace": 10.0, "pace_name": "pace", "pace_free_in": 0.0, "in_flight": 0, "calls": 0}
    facts |= {"most_calls": None, "blocked_for": 0.0, "cold": False, "waiting": {}}
    return BucketState(**facts | changes)


DAY = PointsWindow(name="day points", limit=60, left=2, resets_in=3600.0, from_provider=True, used_by_others=0)
MINUTE = PointsWindow(name="minute points", limit=30, left=30, resets_in=60.0, from_provider=True, used_by_others=0)


@pytest.mark.parametrize(
    ("standing", "moments"),
    [
        (standing(), [0.0, 0.1, 0.2]),
        (standing(pace=2.5), [0.0, 0.4, 0.8]),
        (standing(blocked_for=20.0), [20.0, 20.1, 20.2]),
        (standing(windows=(DAY,)), [0.0, 0.1, 3600.0]),
        (standing(windows=(MINUTE,)), [0.0, 2.0, 4.0]),
    ],
    ids=["as good as new", "slowed", "blocked", "its day nearly used up", "the provider's own minute"],
)
def test_a_plan_begins_with_the_account_as_it_stands(ledger, tmp_path, standing, moments):
    plan = planned(tmp_path, ledger, *good(3), standing=standing)
    assert [(one.at - TUESDAY).total_seconds() for one in row_forecasts(plan)] == pytest.approx(moments, abs=0.01)


def test_looks_come_as_often_in_a_plan_as_they_will(ledger, tmp_path, clock):
    """The oftener, the shorter the message, but for the provider's own minute."""
    accounts = {"main": callgear(pace=2, poll_seconds=3)}
    taught(ledger, clock, status=AttemptStatus.NOT_PLACED, verdict=Verdict.REFUSE_CONTACT)
    often = planned(tmp_path, ledger, *good(1), now=clock(), accounts=accounts).outcome_model.poll_interval
    seldom = planned(tmp_path, ledger, *good(1), now=clock(), accounts=accounts, standing=standing(windows=(MINUTE,)))
    assert 1.0 <= often < 1.5
    assert seldom.outcome_model.poll_interval == 3.0
    told = {"main": callgear(pace=2, notifications=True)}
    assert planned(tmp_path, ledger, *good(1), now=clock(), accounts=told).outcome_model.poll_interval == 0.0


def test_a_campaign_that_starts_later_finds_another_account(ledger, tmp_path):
    now = standing(pace=2.5, blocked_for=20.0, windows=(DAY,))
    tomorrow = 'schedule: {zone: UTC, start: "2026-12-02T15:00"}\n'
    plan = planned(tmp_path, ledger, *good(3), standing=now, more=tomorrow)
    moments = [(one.at - TUESDAY - timedelta(days=1)).total_seconds() for one in row_forecasts(plan)]
    assert moments == pytest.approx([0.0, 0.1, 0.2], abs=0.01)


def test_campaigns_that_are_dialing_now_share_the_pace(ledger, tmp_path, clock):
    seed(ledger, numbers(50, area=212), now=clock(), campaign="other")
    plan = planned(tmp_path, ledger, *good(10), now=clock())
    moments = [(one.at - clock()).total_seconds() for one in row_forecasts(plan)]
    assert (plan.account.other_calls, moments[5]) == (50, pytest.approx(1.0, abs=0.1))
    urgent = planned(tmp_path, ledger, *good(10), now=clock(), more="urgent: true\n")
    assert [(one.at - clock()).total_seconds() for one in row_forecasts(urgent)][5] == pytest.approx(0.5, abs=0.1)


def test_rows_that_the_budget_does_not_reach_have_a_fate_of_their_own(ledger, tmp_path):
    plan = planned(tmp_path, ledger, *good(5), more="limits: {calls: 3}\n")
    told = list(row_forecasts(plan))
    assert [one.fate for one in told] == ["dial"] * 3 + ["over budget"] * 2
    assert told[4].reason == "the campaign's budget is used up before its turn"
    assert (plan.over_budget, plan.expired, plan.most_calls) == (2, 0, 3)


MONEY = {"currency": "EUR", "per_call": "0.02", "per_minute": "0.10", "round_to": 1}


@pytest.mark.parametrize(
    ("cost", "least", "most", "used_up"),
    [
        ("0.50", 16, 19, 1.0),  # a call costs 0.02 or 0.025, and 0.077 are kept back for one while it goes on
        ("5.00", 20, 20, 0.0),
        ("0.05", 0, 0, 1.0),  # less than one call may cost
    ],
)
def test_a_budget_in_money_is_spent_call_by_call(ledger, tmp_path, cost, least, most, used_up):
    accounts = {"main": webex(pace=10, prices=MONEY)}
    more = f"limits: {{cost: {cost}}}\nconcurrency: 1\n"
    plan = planned(tmp_path, ledger, *good(20), more=more, accounts=accounts)
    assert least <= plan.first_calls <= most
    assert plan.over_budget == 20 - plan.first_calls
    assert plan.cost is not None
    assert (plan.cost.used_up, plan.cost.is_over_budget) == (used_up, used_up == 1.0)
    assert plan.cost.expected <= Decimal(cost)


def test_between_when_it_ends_is_told_for_lists_that_are_replayed_often(ledger, tmp_path, clock):
    silent = {"status": AttemptStatus.ENDED, "outcome": Outcome.NO_ANSWER}
    taught(ledger, clock, **silent)
    more = "retry: {max_attempts: 2, no_answer: [10m]}\n"
    plan = planned(tmp_path, ledger, *good(40), now=clock(), more=more)
    early, late = plan.ends_between
    assert early <= plan.ends <= late
    assert (late - early).total_seconds() > 500, "one of them may have to be called twice"


def test_how_likely_the_canary_passes_is_told(ledger, tmp_path):
    sure = planned(tmp_path, ledger, *good(20), more="canary: {contacts: 5, reached: 0}\n")
    never = planned(tmp_path, ledger, *good(20), more="canary: {contacts: 21, reached: 1}\n")
    assert (sure.canary_halts, never.canary_halts) == (0.0, None), "a list shorter than its canary has none"
    rarely = planned(tmp_path, ledger, *good(21), more="canary: {contacts: 20, reached: 1}\n")
    assert rarely.canary_halts > 0.9


# The plan and the campaign


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)  # the plan is the same on both; this one takes its time
def test_the_campaign_ends_when_the_plan_said_and_skips_whom_it_said(ledger, redis_url, buckets, tmp_path):
    """The same list twice in the sandbox: the first run teaches the odds, the plan is held to the second.

    To what the second took at the pace that it came to: a busy machine does not keep up with any pace asked for.
    """
    retry = "retry: {max_attempts: 3, busy: 1s, no_answer: 1s}\n"
    more = retry + "pace: 4\n"
    odd = ["+14155550116,Blacklisted", "+1415,Short", f"{numbers(1)[0]},Twice", "+14155550125,"]
    rows = ["+14155550112,Silent", "+14155550114,Busy", *good(60), *odd]
    ledger.write(suppress, numbers(4)[3], reason="asked us", source="ann", now=utc_now())
    with running(SandboxConfig(seed=1, speed=20, webex_tps=10_000)) as sandbox:
        account = webex(sandbox.base_url("webex"), pace=50, speed=20, sandbox=True)
        accounts = {"main": account}
        parts: list[Runtime] = []
        with (
            door(ledger, lambda: parts[0].accounts) as notify_url,
            working(ledger, redis_url, accounts, notify_url=notify_url) as using,
        ):
            parts.append(using)
            planned(tmp_path, ledger, *rows, now=utc_now(), more=retry, accounts=accounts)
            run(ledger, using, tmp_path, accounts)
            plan = planned(tmp_path, ledger, *rows, now=utc_now(), more=more, accounts=accounts)
            assert plan.outcome_model.calls > 50
            campaign = run(ledger, using, tmp_path, accounts)
            pace, took = measured(ledger, campaign.id)
            paced = f"{retry}pace: {pace:.3f}\n"
            held = planned(tmp_path, ledger, *rows, now=utc_now(), more=paced, accounts=accounts)
    with ledger.reading() as db:
        called = set(
            db.scalars(
                select(contacts.c.line)
                .join(attempts, attempts.c.contact_id == contacts.c.id)
                .where(contacts.c.campaign_id == campaign.id)
            )
        )
    assert {one.line for one in row_forecasts(plan) if one.fate == "dial"} == called
    # A tenth, and as much again for calls that a busy machine was late to place (`make bench ARGS=plan` measures it).
    assert (held.ends - held.begins).total_seconds() == pytest.approx(took + seconds_to_settle(account), rel=0.2)


def measured(ledger, campaign_id: str) -> tuple[float, float]:
    """First calls a second, as they were made, and seconds from the first call to the end of the last."""
    with ledger.reading() as db:
        mine = attempts.c.campaign_id == campaign_id
        calls = db.execute(select(attempts.c.number, attempts.c.dialing_at, attempts.c.ended_at).where(mine)).all()
    first = sorted(call.dialing_at for call in calls if call.number == 1)
    ended = max(call.ended_at for call in calls)
    return (len(first) - 1) / (first[-1] - first[0]).total_seconds(), (ended - first[0]).total_seconds()


def run(ledger, using, folder: Path, accounts: dict[str, AccountSettings]):
    checked = check(folder / "planned.yaml", accounts)
    started = launch(ledger, checked, again=True, who="ann", now=utc_now())
    carry_out(using, started.id, every=0.1)
    return campaign_row(ledger, started.id)


def test_callgear_accounts_are_planned_for_alike(ledger, tmp_path):
    plan = planned(tmp_path, ledger, *good(5), accounts={"main": callgear(pace=2, minute_points=60)})
    assert (plan.ends - plan.begins).total_seconds() >= 4
