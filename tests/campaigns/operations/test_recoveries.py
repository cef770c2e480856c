"""An account that could not dial is asked, and what it had stopped goes on when it answers, if that is wished."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import redis
from sqlalchemy import select, update

from campaigns.dispatch.dial import Slice, dial
from campaigns.dispatch.release import release
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import audit, campaigns, contacts, halts
from campaigns.operations import control
from campaigns.operations.recoveries import ask_accounts
from campaigns.operations.sweep import sweep
from campaigns.reporting.hold_reason import HoldKind, HoldReason, hold_reason
from campaigns.runtime import Runtime
from campaigns.safeguards.halts import halt_account
from dialer.bucket import GrantResult
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from dialer.verdicts import Meter, Ruling, Verdict
from tests.support.dialers import NOBODY, callgear, webex, working
from tests.support.fixtures import HandSetClock
from tests.support.seeding import campaign_row, claim, contact, numbers, seed

MINUTE = 60
GOES_ON = {"resume_after_halt": True}


@dataclass
class Scene:
    """An account whose provider does as the test says, and the sweeps that come by."""

    ledger: Ledger
    clock: HandSetClock
    sandbox: SandboxHandle
    using: Runtime
    buckets: redis.Redis

    def campaign(self, name: str = "reminders", people: int = 2, **changes: Any) -> str:
        return seed(self.ledger, numbers(people), now=self.clock(), campaign=name, **changes)

    def dial(self, campaign_id: str, people: int = 1) -> None:
        """Its next contacts are called, as a worker does."""
        claim_id, ids = claim(self.ledger, campaign_id, people, now=self.clock())
        assert ids
        dial(Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids)), using=self.using)

    def halted(self, **changes: Any) -> str:
        """A campaign that its account's trouble has paused at the first call."""
        self.sandbox.configure(account_active=False)
        campaign_id = self.campaign(**changes)
        self.dial(campaign_id)
        assert self.status(campaign_id) == "paused"
        return campaign_id

    def sweep(self, seconds: float = 0.0) -> None:
        self.clock.forward(seconds)
        sweep(using=self.using)

    def asked(self) -> int:
        """How often the account was asked, whatever it answered."""
        return sum(row["count"] for row in self.sandbox.requests() if row["method"] == "list.calls")

    def status(self, campaign_id: str) -> str:
        return campaign_row(self.ledger, campaign_id).status

    def why(self, campaign_id: str) -> HoldReason:
        with self.ledger.reading() as db:
            return hold_reason(db, campaign_row(self.ledger, campaign_id), self.clock())


@pytest.fixture
def scene(ledger: Ledger, clock: HandSetClock, redis_url: str, buckets: redis.Redis) -> Iterator[Scene]:
    with running(SandboxConfig(seed=1, speed=0.001)) as sandbox:
        accounts = {"main": callgear(sandbox.base_url("callgear")), "bulk": webex(sandbox.base_url("webex"))}
        with working(ledger, redis_url, accounts, clock=clock) as using:
            yield Scene(ledger=ledger, clock=clock, sandbox=sandbox, using=using, buckets=buckets)


# An account that was halted


def test_a_campaign_that_says_so_goes_on_when_its_account_answers_again(scene):
    campaign_id = scene.halted(**GOES_ON)
    scene.sweep(MINUTE)
    assert scene.status(campaign_id) == "paused", "it was asked, and cannot dial yet"
    scene.sandbox.configure(account_active=True)
    scene.sweep(2 * MINUTE)
    assert scene.status(campaign_id) == "running"
    scene.dial(campaign_id, 2)
    assert len(scene.sandbox.calls()) == 2
    with scene.ledger.reading() as db:
        line = db.execute(select(audit).where(audit.c.event == "campaign running", audit.c.who == "dialer")).one()
    assert line.detail == "account main answers again"


def test_one_that_does_not_say_so_stays_paused_and_status_says_that_it_could_go_on(scene):
    campaign_id = scene.halted()
    before = scene.why(campaign_id)
    assert (before.kind, before.clears_at) == (HoldKind.HALTED, None)
    assert "the account is asked again at 15:01:00 UTC" in before.words
    scene.sandbox.configure(account_active=True)
    scene.sweep(MINUTE)
    after = scene.why(campaign_id)
    assert (scene.status(campaign_id), after.kind) == ("paused", HoldKind.ANSWERS_AGAIN)
    assert after.words.startswith("paused: account main cannot dial: account_inactive")
    assert "it answers again since 01 Dec 15:01:00 UTC" in after.words
    assert after.remedy(campaign_row(scene.ledger, campaign_id)).startswith(f"dialer resume {campaign_id}")
    control.resume(scene.ledger, campaign_id, who="Ann", now=scene.clock())
    scene.dial(campaign_id)
    assert len(scene.sandbox.calls()) == 1


TROUBLES = {
    "the account is inactive": ({"account_active": False}, {"account_active": True}),
    "the key is blocked": ({"blocked_tokens": ["sandbox-key"]}, {"blocked_tokens": []}),
    "the key has expired": ({"expired_tokens": ["sandbox-key"]}, {"expired_tokens": []}),
    "our address is not let in": ({"whitelist": ["192.0.2.0/24"]}, {"whitelist": ["0.0.0.0/0"]}),
    "a component is switched off": (
        {"components": []},
        {"components": ["Call API Basic set", "Call API Call management", "Call API Informer calls"]},
    ),
    "the user may not call": ({"forbidden_tokens": ["sandbox-key"]}, {"forbidden_tokens": []}),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_whatever_halted_the_account_its_end_is_noticed(scene, trouble):
    begins, ends = TROUBLES[trouble]
    scene.sandbox.configure(**begins)
    campaign_id = scene.campaign(**GOES_ON)
    scene.dial(campaign_id)
    assert scene.why(campaign_id).kind is HoldKind.HALTED
    scene.sandbox.configure(**ends)
    scene.sweep(MINUTE)
    assert scene.status(campaign_id) == "running"


def test_an_account_at_webex_connect_is_asked_too(scene):
    scene.sandbox.configure(whitelist=["192.0.2.0/24"])
    campaign_id = scene.campaign(account="bulk", **GOES_ON)
    scene.dial(campaign_id)
    assert scene.status(campaign_id) == "paused"
    scene.sweep(MINUTE)
    assert scene.status(campaign_id) == "paused"
    scene.sandbox.configure(whitelist=["0.0.0.0/0"])
    scene.sweep(2 * MINUTE)
    assert scene.status(campaign_id) == "running"


def test_the_account_is_asked_once_and_then_more_and_more_seldom(scene):
    scene.halted()
    moments, began = [], scene.clock()
    asked = scene.asked()
    for _ in range(50):
        ask_accounts(scene.using)
        ask_accounts(scene.using)
        if scene.asked() > asked:
            assert scene.asked() == asked + 1
            asked += 1
            moments.append(round((scene.clock() - began) / timedelta(minutes=1)))
        scene.clock.forward(MINUTE)
    assert moments == [1, 3, 7, 15, 30, 45]


def test_an_account_whose_campaigns_fail_again_at_once_is_not_believed_each_minute(scene):
    """It answers the question and refuses the calls: so one call each quarter of an hour, and not one a minute."""
    scene.halted(**GOES_ON)
    scene.sandbox.configure(account_active=True)
    halted = 0
    for _ in range(60):
        scene.clock.forward(MINUTE)
        ask_accounts(scene.using)
        (campaign_id,) = _ids(scene.ledger)
        if scene.status(campaign_id) == "running":
            halted += 1
            scene.ledger.write(halt_account, "main", "forbidden", now=scene.clock())
    assert 4 <= halted <= 7


def _ids(ledger: Ledger) -> list[str]:
    with ledger.reading() as db:
        return list(db.scalars(select(campaigns.c.id)))


def test_a_pause_by_a_person_holds_whatever_the_account_answers(scene):
    campaign_id = scene.halted(**GOES_ON)
    control.pause(scene.ledger, campaign_id, who="Ann", now=scene.clock())
    scene.sandbox.configure(account_active=True)
    scene.sweep(10 * MINUTE)
    assert (scene.status(campaign_id), scene.why(campaign_id).by) == ("paused", "Ann")


def test_one_that_its_own_fault_halted_is_not_resumed_with_the_others(scene):
    """A caller ID that is not there is no trouble of the account's."""
    own_fault = scene.campaign(name="no-such-number", caller_id="+18005559999", **GOES_ON)
    scene.dial(own_fault)
    assert scene.why(own_fault).kind is HoldKind.HALTED
    other = scene.halted(name="other", **GOES_ON)
    scene.sandbox.configure(account_active=True)
    scene.sweep(MINUTE)
    assert (scene.status(other), scene.status(own_fault)) == ("running", "paused")


@pytest.mark.parametrize("end", ["cancelled", "finished"])
def test_the_account_of_a_campaign_that_is_over_is_asked_no_more(scene, end):
    campaign_id = scene.halted(**GOES_ON)
    if end == "cancelled":
        control.cancel(scene.ledger, campaign_id, who="Ann", now=scene.clock())
    else:
        with scene.ledger.writing() as db:
            final = {"status": "expired", "reason": "too late", "final_at": scene.clock()}
            db.execute(update(contacts).values(**final))
    scene.sweep(10 * MINUTE)
    asked = scene.asked()
    scene.sweep(10 * MINUTE)
    with scene.ledger.reading() as db:
        assert db.execute(select(halts)).all() == []
    assert scene.asked() == asked


def test_an_account_that_cannot_be_reached_keeps_no_other_waiting_for_its_recovery(ledger, clock, redis_url, buckets):
    with running(SandboxConfig(seed=1, speed=0.001)) as sandbox:
        accounts = {"away": callgear(NOBODY), "main": callgear(sandbox.base_url("callgear"))}
        with working(ledger, redis_url, accounts, clock=clock) as using:
            for name in accounts:
                seed(ledger, numbers(1), now=clock(), campaign=name, account=name, **GOES_ON)
                ledger.write(halt_account, name, "account_inactive", now=clock())
            clock.forward(MINUTE)
            assert ask_accounts(using) == 1
    with ledger.reading() as db:
        assert dict(db.execute(select(campaigns.c.account, campaigns.c.status)).all()) == {
            "away": "paused",
            "main": "running",
        }


def test_two_sweeps_at_once_ask_once(scene):
    scene.halted()
    scene.clock.forward(MINUTE)
    asked = scene.asked()
    scene.sandbox.configure(latency=0.5)
    with ThreadPoolExecutor(3) as sweeps:
        list(sweeps.map(lambda _: ask_accounts(scene.using), range(3)))
    assert scene.asked() == asked + 1


def test_without_redis_a_halted_account_is_asked_all_the_same(ledger, clock):
    with running(SandboxConfig(seed=1, speed=0.001)) as sandbox:
        accounts = {"main": callgear(sandbox.base_url("callgear"))}
        with working(ledger, "redis://127.0.0.1:1/0", accounts, clock=clock) as using:
            campaign_id = seed(ledger, numbers(1), now=clock(), **GOES_ON)
            ledger.write(halt_account, "main", "account_inactive", now=clock())
            clock.forward(MINUTE)
            assert ask_accounts(using) == 1
    assert campaign_row(ledger, campaign_id).status == "running"


# Points of the day


def used_up(scene: Scene) -> str:
    """The provider says that the day's points are used up, for hours: one contact was put off until then."""
    campaign_id = scene.campaign(people=3)
    account = scene.using.accounts["main"]
    scene.sandbox.configure(points_per_day=0)
    account.bucket.acquire("first")
    known = Meter(
        minute_limit=3000, minute_remaining=2990, minute_reset=30, day_limit=100, day_remaining=50, day_reset=50000
    )
    account.bucket.settle("first", charged=True, meter=known)
    scene.dial(campaign_id)
    release(using=scene.using)
    assert campaign_row(scene.ledger, campaign_id).hold_kind in {"day_points", "bucket_empty"}
    return campaign_id


def test_a_day_that_is_given_more_points_is_used_at_once(scene):
    campaign_id = used_up(scene)
    scene.sweep()
    release(using=scene.using)
    assert campaign_row(scene.ledger, campaign_id).hold_kind, "it was asked, and has nothing yet"
    scene.sandbox.configure(points_per_day=1000)
    scene.buckets.delete("{bucket:main}:lease:ask whether a limit holds")
    scene.sweep()
    with scene.ledger.reading() as db:
        late = select(contacts.c.id).where(contacts.c.due_at > scene.clock())
        assert db.execute(late).all() == [], "whom the throttle had put off until tomorrow"
    assert release(using=scene.using)
    assert campaign_row(scene.ledger, campaign_id).hold_kind is None


def test_a_day_that_is_used_up_is_asked_about_once_a_minute_and_costs_no_point(scene):
    used_up(scene)
    asked = scene.asked()
    for _ in range(5):
        scene.sweep()
    assert scene.asked() == asked + 1


def test_a_limit_that_ends_within_a_minute_or_two_is_waited_for(scene):
    campaign_id = scene.campaign()
    bucket = scene.using.accounts["main"].bucket
    bucket.acquire("first")
    nothing = Meter(minute_limit=100, minute_remaining=0, minute_reset=50)
    throttled = Ruling(verdict=Verdict.THROTTLED, retry_after=50.0, meter=nothing)
    bucket.settle_all([GrantResult.from_ruling("first", throttled)])
    release(using=scene.using)
    assert campaign_row(scene.ledger, campaign_id).hold_kind == "bucket_empty"
    scene.sweep()
    assert scene.asked() == 0
    assert contact(scene.ledger, 1).status == "pending"
