"""A rehearsal at speed tells the truth: nobody can look as often as its clock runs, and nobody is unknown for that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts
from campaigns.runtime import Runtime
from campaigns.settlement.rulings import rule
from dialer.deadline import utc_now
from dialer.follow_timing import short_message_warning
from dialer.live_calls import calls_at
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from dialer.verdicts import Ruling, Verdict
from tests.support.dialers import callgear, carry_out, door, wait_for, webex, working
from tests.support.sandbox_clients import Clients, until
from tests.support.seeding import LONG_TEXT, campaign_row, dialing, numbers, seed

SPEED = 200.0  # a call is over in 50 ms, and looked at once in half a second, as at --speed 30 on a busy machine
POLL = 0.5
HEARD = len(LONG_TEXT) / 14


@contextmanager
def rehearsing(ledger: Ledger, redis_url: str) -> Iterator[tuple[Runtime, SandboxHandle]]:
    opened: dict[str, Any] = {}
    with running(SandboxConfig(seed=1, speed=SPEED)) as sandbox:
        given = {"speed": SPEED, "poll_seconds": POLL, "settle_seconds": 20, "shows_every_answer": True}
        accounts = {
            "main": callgear(sandbox.base_url("callgear"), **given),
            "bulk": webex(sandbox.base_url("webex"), **given),
        }
        with (
            door(ledger, lambda: opened) as notify_url,
            working(ledger, redis_url, accounts, notify_url=notify_url) as using,
        ):
            opened.update(using.accounts)
            yield using, sandbox


def finals(ledger: Ledger, campaign_id: str) -> Counter[str]:
    with ledger.reading() as db:
        return Counter(db.scalars(select(contacts.c.status).where(contacts.c.campaign_id == campaign_id)))


@pytest.mark.parametrize(("account", "people"), [("main", 80), ("bulk", 30)])
def test_plain_numbers_are_reached_all_of_them(ledger, redis_url, account, people):
    with rehearsing(ledger, redis_url) as (using, _):
        campaign_id = seed(ledger, numbers(people), now=utc_now(), account=account)
        carry_out(using, campaign_id)
    assert finals(ledger, campaign_id) == {"reached": people}


def test_whoever_was_not_reached_is_told_so_and_is_not_unknown(ledger, redis_url):
    """Busy, unanswered, declined; and one who hangs up in the middle was reached."""
    with rehearsing(ledger, redis_url) as (using, _):
        people = [f"+1415555{ending}" for ending in ("0111", "0112", "0113", "0124", "0107")]
        once = {"max_attempts": 1}
        campaign_id = seed(ledger, people, now=utc_now(), retry=once)
        carry_out(using, campaign_id)
    assert finals(ledger, campaign_id) == {"unreached": 3, "reached": 2}


def test_an_operators_look_at_the_list_hides_no_answer_from_the_dialer(ledger, redis_url):
    with rehearsing(ledger, redis_url) as (using, _):
        campaign_id = seed(ledger, numbers(5), now=utc_now())

        def watching() -> bool:
            list(calls_at(using.accounts["main"]).list_calls())
            return True

        wait_for(watching)
        carry_out(using, campaign_id)
    assert finals(ledger, campaign_id) == {"reached": 5}


@pytest.mark.parametrize("account", ["main", "bulk"])
def test_seconds_of_talk_are_the_providers(ledger, redis_url, account):
    with rehearsing(ledger, redis_url) as (using, _):
        campaign_id = seed(ledger, numbers(3), now=utc_now(), account=account)
        carry_out(using, campaign_id)
    with ledger.reading() as db:
        talked = list(db.scalars(select(attempts.c.talk_seconds)))
    assert talked == pytest.approx([HEARD] * 3, abs=2)


def test_at_the_normal_speed_the_sandbox_hides_what_a_list_of_calls_hides():
    """So the share of unknown that a real account will have can be seen in a rehearsal."""
    with running(SandboxConfig(seed=1, speed=1.0)) as sandbox:
        vendor = Clients(sandbox)
        _started(vendor)
        sandbox.configure(speed=FAST_FORWARD)
        until(lambda: vendor.sandbox.calls()[0]["ended_at"])
        assert vendor.rpc("list.calls")["result"]["data"] == []
        vendor.http.close()


def test_faster_than_life_an_answered_call_is_shown_talking_before_it_goes():
    with running(SandboxConfig(seed=1, speed=FAST_FORWARD)) as sandbox:
        vendor = Clients(sandbox)
        _started(vendor)
        _started(vendor, "14155550112")
        until(lambda: all(call["ended_at"] for call in vendor.sandbox.calls()))
        lists = [vendor.rpc("list.calls")["result"]["data"] for _ in range(3)]
        vendor.http.close()
    assert [[leg["state"] for call in listed for leg in call["legs"]] for listed in lists] == [["Talk"], ["Talk"], []]
    assert {call["contact_phone_number"] for call in lists[0]} == {"14155550107"}


FAST_FORWARD = 1000.0


def _started(vendor: Clients, contact: str = "14155550107") -> int:
    started = vendor.rpc(
        "start.informer_call",
        contact=contact,
        virtual_phone_number="18005550100",
        contact_message={"type": "tts", "value": LONG_TEXT},
    )
    return int(started["result"]["data"]["call_session_id"])


@pytest.mark.parametrize("seconds", [0.5, 6.0, 60.0])
@pytest.mark.parametrize("speed", [1.1, 10, 30, 1000])
def test_at_speed_there_is_nothing_to_warn_of(speed, seconds):
    account = callgear(speed=speed, poll_seconds=max(0.2, 3 / speed), shows_every_answer=True)
    assert short_message_warning(account, seconds) is None


def test_a_warning_compares_what_can_be_compared():
    """At half the speed a message lasts twice as long for us, and the polls are ours."""
    warning = short_message_warning(callgear(speed=0.5, poll_seconds=6.0), 1.2)
    assert warning
    assert "takes about 2.4 s" in warning
    assert "every 1.2 s" in warning
    assert short_message_warning(callgear(speed=0.5, poll_seconds=6.0), 6.0) is None


@pytest.mark.parametrize(("speed", "account"), [(1.0, "main"), (30.0, "spare")])
def test_a_day_is_a_day_by_the_providers_clock(ledger, clock, speed, account):
    """Its account has nothing left today: the campaign goes on with the next, though that day is over in minutes."""
    (one,) = dialing(ledger, numbers(1), now=clock(), accounts=["main", "spare"])
    nothing_left = Ruling(verdict=Verdict.THROTTLED, mnemonic="limit_exceeded", retry_after=400.0)
    ledger.write(rule, one, nothing_left, callgear(speed=speed), now=clock(), rng=Random(1))
    assert campaign_row(ledger, one.campaign_id).account == account
