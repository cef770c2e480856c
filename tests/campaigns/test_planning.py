"""The plan says each row's fate and when all is over; the campaign, run after it, does as planned."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.fates import fates, write_fates
from campaigns.launch import check, launch, open_audience
from campaigns.leaving_out import LeavingOut
from campaigns.ledger.suppressions import suppress
from campaigns.ledger.tables import attempts, contacts
from campaigns.odds import Odds
from campaigns.parts import Parts
from campaigns.planning import Plan, make_plan
from campaigns.receiving import settles_in
from campaigns.replay import People, Replay, Speed
from dialer.accounts import AccountSettings
from dialer.calls import Outcome
from dialer.deadline import utc_now
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.campaigns.dialers import callgear, carry_out, door, webex, working
from tests.campaigns.seeding import campaign_row, definition, dialing, numbers

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
ALL_ANSWER = Odds(first={Outcome.ANSWERED: 1.0}, later={Outcome.ANSWERED: 1.0}, seconds={Outcome.ANSWERED: [5.0]})


def planned(
    folder: Path, ledger, *rows: str, now: datetime = TUESDAY, more: str = "", accounts: Any = ACCOUNTS
) -> Plan:
    (folder / "planned.yaml").write_text(CAMPAIGN + more)
    (folder / "list.csv").write_text("phone,name\n" + "".join(f"{row}\n" for row in rows))
    audience = open_audience(folder / "planned.yaml", accounts, leaving_out=lambda one: LeavingOut(ledger, one, now))
    return make_plan(audience, accounts["main"], ledger, now=now, rng=Random(1))


def good(count: int) -> list[str]:
    return [f"{number},Ann" for number in numbers(count)]


def test_each_row_has_its_fate_in_the_lists_order(ledger, tmp_path):
    ledger.write(suppress, numbers(2)[1], reason="asked us", source="ann", now=TUESDAY)
    rows = [*good(2), "+1415,Short", f"{numbers(3)[2]},", f"{numbers(4)[3]},Bob"]
    plan = planned(tmp_path, ledger, *rows)
    told = list(fates(plan))
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
    ann, bob, cat = fates(plan)
    assert (ann.at, ann.window) == (TUESDAY, "tue 09:00-12:00")
    assert bob.at == datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
    assert str(bob.local_time) == "2026-12-01 09:00:00-08:00"
    assert (cat.fate, plan.never) == ("dial", 0)
    assert cat.at == datetime(2026, 12, 1, 19, 0, tzinfo=UTC)
    late = planned(tmp_path, ledger, "+18085550101,Cat", more=more.replace("02T19", "01T18"))
    assert [(one.fate, one.reason) for one in fates(late)] == [("expires", "no window comes before its last moment")]


def test_those_whose_windows_are_open_are_called_in_the_lists_order(ledger, tmp_path):
    """A moment loses a little on its way through a datetime, which must put nobody to the end."""
    more = 'schedule: {zone: UTC, windows: {mon-sun: "00:00-24:00"}}\n'
    now = TUESDAY + timedelta(seconds=1 / 3)
    mixed = [f"{number},Ann" for pair in zip(numbers(20), numbers(20, area=212), strict=True) for number in pair]
    moments = [one.at for one in fates(planned(tmp_path, ledger, *mixed, now=now, more=more))]
    assert moments == sorted(moments)
    assert moments[-1] - moments[0] == pytest.approx(timedelta(seconds=3.9), abs=timedelta(seconds=0.01))


def test_a_number_at_its_cap_is_planned_for_when_it_clears(ledger, tmp_path, clock):
    dialing(ledger, numbers(1), now=clock(), campaign="other")
    plan = planned(tmp_path, ledger, *good(2), now=clock(), more='frequency: {per_number: "1/24h"}\n')
    first, second = fates(plan)
    assert (first.at, second.at) == (clock() + timedelta(hours=24), clock())


def test_the_fates_are_written_whole(ledger, tmp_path):
    plan = planned(tmp_path, ledger, *good(3), "+1415,Short")
    assert write_fates(plan, tmp_path / "fates.csv") == 4
    with (tmp_path / "fates.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["fate"] for row in rows] == ["dial"] * 3 + ["rejected"]
    assert rows[0]["at"] == "2026-12-01T15:00:00+00:00"
    assert rows[0]["characters"] == "30"


# Replaying


def replayed(written: dict[str, Any], count: int, *, odds: Odds = ALL_ANSWER, **speed: Any):
    people = People(zones=["UTC"])
    for _ in range(count):
        people.zone.append(0)
        people.not_after.append(float("inf"))
        people.seconds.append(0.0)
    facts = {"gap": 0.1, "lines": None, "day_calls": None, "day_seconds": 86400.0} | speed
    return Replay(definition(**written), people, Speed(**facts), odds).run(TUESDAY.timestamp(), Random(1))


@pytest.mark.parametrize(
    ("speed", "seconds"),
    [
        ({}, 99 * 0.1 + 5),  # pace
        ({"lines": 10}, 50),  # ten at once, five seconds each
        ({"day_calls": 40, "day_seconds": 1000.0}, 2000 + 19 * 0.1 + 5),  # 40, 40, and 20 on the third day
    ],
)
def test_the_narrowest_limit_says_when_it_is_over(speed, seconds):
    done = replayed({}, 100, **speed)
    assert done.calls == 100
    assert done.ends - TUESDAY.timestamp() == pytest.approx(seconds, abs=1.0)


def test_retries_come_after_their_delay_until_the_cap_of_attempts():
    never = Odds(first={Outcome.BUSY: 1.0}, later={Outcome.BUSY: 1.0}, seconds={Outcome.BUSY: [3.0]})
    retry = {"max_attempts": 3, "busy": ["5m", "15m"]}
    done = replayed({"retry": retry}, 10, odds=never)
    assert (done.calls, done.reached) == (30, 0)
    assert done.ends - TUESDAY.timestamp() == pytest.approx(20 * 60 + 9 + 1, abs=2)


def test_who_was_silent_once_is_silent_again_for_as_long():
    """People are not dice: an account's calls are drawn contact by contact, not one by one."""
    silent, there = ((Outcome.NO_ANSWER, 10.0),) * 3, ((Outcome.ANSWERED, 2.0),)
    shares = {Outcome.ANSWERED: 0.5, Outcome.NO_ANSWER: 0.5}
    odds = Odds(first=shares, later=shares, seconds={}, stories=[silent, there], calls=50)
    done = replayed({"retry": {"max_attempts": 3, "no_answer": ["1m", "1m"]}}, 400, odds=odds)
    assert 120 < done.reached < 280
    assert done.calls == done.reached + 3 * (400 - done.reached)


def test_calls_leave_at_the_workers_ticks_and_are_over_once_their_end_is_known():
    done = replayed({}, 1, tick=2.0, settles=1.0)
    assert done.first_at[0] - TUESDAY.timestamp() == 2.0
    assert done.ends - TUESDAY.timestamp() == 8.0, "five seconds of call, one until it is settled, by a tick"


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
        account = webex(sandbox.webex_url, pace=50, speed=20, sandbox=True)
        accounts = {"main": account}
        parts: list[Parts] = []
        with (
            door(ledger, lambda: parts[0].accounts) as notify_url,
            working(ledger, redis_url, accounts, notify_url=notify_url) as using,
        ):
            parts.append(using)
            planned(tmp_path, ledger, *rows, now=utc_now(), more=retry, accounts=accounts)
            run(ledger, using, tmp_path, accounts)
            plan = planned(tmp_path, ledger, *rows, now=utc_now(), more=more, accounts=accounts)
            assert plan.odds.calls > 50
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
    assert {one.line for one in fates(plan) if one.fate == "dial"} == called
    # A tenth, and as much again for calls that a busy machine was late to place (`make bench ARGS=plan` measures it).
    assert (held.ends - held.begins).total_seconds() == pytest.approx(took + settles_in(account), rel=0.2)


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
    carry_out(using, started.id, seconds=90)
    return campaign_row(ledger, started.id)


def test_callgear_accounts_are_planned_for_alike(ledger, tmp_path):
    plan = planned(tmp_path, ledger, *good(5), accounts={"main": callgear(pace=2, minute_points=60)})
    assert (plan.ends - plan.begins).total_seconds() >= 4
