"""Whatever one account, campaign or attempt raises stays with it: the others are dialed, followed and settled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, update
from structlog.testing import capture_logs

from campaigns.dispatch.dial import dial
from campaigns.dispatch.release import release
from campaigns.launch.recurring import launch_due
from campaigns.launch.schedules import listed
from campaigns.ledger.receipts import Delivery, store
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, campaigns, contacts, faults, schedules
from campaigns.lifecycle import ContactStatus, LaunchState, Step
from campaigns.operations.sweep import sweep
from campaigns.reporting.counts import faults_by_step
from campaigns.reporting.hold_reason import GOING, HoldKind, hold_reason
from campaigns.runtime import Runtime
from campaigns.settlement.polling import poll_accounts
from campaigns.settlement.rulings import accept
from campaigns.settlement.timeouts import conclude_due
from dialer.deadline import utc_now
from tests.support.dialers import ListingVendor, callgear, serving, wait_for, webex, working
from tests.support.seeding import attempt, campaign_row, dialing, fresh, numbers, seed, sent

ACCOUNTS = ("a", "poison", "z")
RECURRING = """\
campaign: {name}
account: {name}
contacts: {{file: list.csv}}
message: {{tts: "This is a reminder."}}
caller_id: "+18005550100"
schedule: {{zone: UTC, repeat: "* * * * *", missed: once}}
"""
UNREADABLE = '{"campaign": 5}'  # as another version may have written it


@dataclass
class Vendor:
    """A Webex Connect that takes every call, and answers `poison` with what a test has put there."""

    placed: list[tuple[str, str]] = field(default_factory=list)

    def reply(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        correlation = json.loads(body)["to"][0]["correlationId"]
        self.placed.append((correlation, f"m-{correlation}"))
        return 201, {"messageId": f"m-{correlation}", "status": "Queued"}

    def deliver(self, using: Runtime) -> None:
        """Store the receipts of all calls, which the next sweep applies."""
        while self.placed:
            correlation, call = self.placed.pop()
            with using.ledger.reading() as db:
                query = select(attempts.c.account).where(attempts.c.id == UUID(correlation))
                account = db.scalar(query)
            for status, code in (("ANSWERED", "7519"), ("Released", "7405")):
                info = {"deliveryStatus": status, "code": code}
                notice = {
                    "deliveryInfoNotification": {"transid": call, "correlationid": correlation, "deliveryInfo": info}
                }
                body = json.dumps(notice)
                heard = using.accounts[account].provider.read_receipts(body.encode(), {})
                using.ledger.write(store, [Delivery(account=account, heard=heard, body=body)], now=using.clock())


def campaign_of(using: Runtime, account: str, count: int = 3) -> str:
    first = 10 * ACCOUNTS.index(account)
    return seed(using.ledger, numbers(count, first=first), now=using.clock(), account=account, campaign=account)


def make_unreadable(ledger: Ledger, campaign_id: str) -> None:
    with ledger.writing() as db:
        db.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(definition=UNREADABLE))


def reached(using: Runtime, campaign_id: str) -> int:
    with using.ledger.reading() as db:
        of_it = (contacts.c.campaign_id == campaign_id, contacts.c.status == ContactStatus.REACHED)
        return db.scalar(select(func.count()).where(*of_it)) or 0


def steps_in_trouble(using: Runtime) -> dict[str, set[str]]:
    with using.ledger.reading() as db:
        rows = faults_by_step(db)
    return {row.step: {other.account for other in rows if other.step == row.step} for row in rows}


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def using(ledger, redis_url, buckets, vendor) -> Iterator[Runtime]:
    with ExitStack() as stack:
        url = stack.enter_context(serving(vendor.reply))
        yield stack.enter_context(working(ledger, redis_url, {name: webex(url) for name in ACCOUNTS}))


class Poison:
    """A part of an account that raises whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise ZeroDivisionError(name)


def poisoned(using: Runtime, **parts: Any) -> Runtime:
    return replace(using, accounts={**using.accounts, "poison": replace(using.accounts["poison"], **parts)})


def run_until_the_others_are_reached(using: Runtime, vendor: Vendor, others: list[str], count: int = 3) -> None:
    def over() -> bool:
        for slice_ in release(using=using):
            dial(slice_, using=using)
        vendor.deliver(using)
        poll_accounts(using=using)
        sweep(using=using)
        return all(reached(using, campaign_id) == count for campaign_id in others)

    wait_for(over)


@pytest.mark.parametrize("part", ["bucket", "provider", "settings"])
def test_an_account_that_raises_at_every_step_stops_no_other(using, vendor, part):
    ids = {name: campaign_of(using, name) for name in ACCOUNTS}
    run_until_the_others_are_reached(poisoned(using, **{part: Poison()}), vendor, [ids["a"], ids["z"]])
    assert steps_in_trouble(using).keys() >= {"dial" if part == "provider" else "release"}


@pytest.mark.parametrize("part", ["bucket", "provider", "settings"])
def test_an_account_that_raises_while_its_calls_are_followed_stops_no_look_at_the_others(using, part):
    dialing(using.ledger, numbers(1), now=using.clock())
    with using.ledger.writing() as db:
        db.execute(update(attempts).values(account="poison"))
    faulty = {"poison": replace(using.accounts["poison"], **{part: Poison()})}
    poll_accounts(using=replace(using, accounts={**using.accounts, **faulty}))
    assert steps_in_trouble(using).get("look", {"poison"}) == {"poison"}
    if part == "provider":
        assert "look" in steps_in_trouble(using)


def test_an_attempt_that_cannot_be_settled_is_tried_again_ever_later(ledger, clock):
    """Its account raises whenever it is asked; each wait is as long as the attempt is old."""
    (call,) = dialing(ledger, numbers(1), now=clock())
    ledger.write(accept, call, "m-1", webex("http://127.0.0.1:9"), now=clock.forward(1))
    with ledger.writing() as db:
        db.execute(update(attempts).values(conclude_at=clock()))
    using = Runtime(ledger=ledger, accounts={"main": Poison()}, clock=clock, rng=Random(1), notify_url=Poison())
    tried_at = []
    for _ in range(60):
        clock.forward(5)
        with capture_logs() as logs:
            conclude_due(using)
        tried_at += [(clock() - call.dialing_at).total_seconds()] * any("fault" in line["event"] for line in logs)
    assert tried_at == [6, 16, 36, 76, 156]
    assert attempt(ledger, call.id).status == "placed"


def test_a_campaign_that_cannot_be_read_stops_no_other_not_even_of_its_account(using, vendor):
    ids = {name: campaign_of(using, name) for name in ACCOUNTS}
    same = seed(using.ledger, numbers(3, first=60), now=using.clock(), account="poison", campaign="same-account")
    make_unreadable(using.ledger, ids["poison"])
    with capture_logs() as lines:
        run_until_the_others_are_reached(using, vendor, [ids["a"], ids["z"], same])
    assert "release" in steps_in_trouble(using)
    assert any(line.get("campaign") == ids["poison"] and line.get("step") == "release" for line in lines)


def test_status_and_metrics_tell_of_the_trouble(using):
    ids = {name: campaign_of(using, name) for name in ACCOUNTS}
    release(using=poisoned(using, bucket=Poison()))
    with using.ledger.reading() as db:
        reasons = {name: hold_reason(db, campaign_row(using.ledger, ids[name]), using.clock()) for name in ACCOUNTS}
        counted = {(row.step, row.account): row[2] for row in faults_by_step(db)}
    assert reasons["poison"].kind is HoldKind.FAULT
    assert "an error of the dialer: ZeroDivisionError (release); see the log" in reasons["poison"].words
    assert HoldKind.FAULT not in {reasons["a"].kind, reasons["z"].kind}
    assert counted.keys() == {("release", "poison")}
    assert counted["release", "poison"] >= 1


def test_trouble_that_is_over_is_not_told_any_more(using):
    campaign_id = campaign_of(using, "poison")
    release(using=poisoned(using, bucket=Poison()))
    with using.ledger.writing() as db:
        db.execute(update(faults).values(last_at=using.clock() - timedelta(minutes=1)))
    release(using=using)
    with using.ledger.reading() as db:
        assert hold_reason(db, campaign_row(using.ledger, campaign_id), using.clock()).kind in GOING


def test_one_contact_that_cannot_be_called_keeps_no_other_of_its_slice_waiting(ledger, redis_url, buckets, vendor):
    with serving(vendor.reply) as url, working(ledger, redis_url, {"a": webex(url)}) as using:
        campaign_id = seed(ledger, numbers(4), now=using.clock(), account="a")
        with ledger.writing() as db:
            first = select(func.min(contacts.c.id)).where(contacts.c.campaign_id == campaign_id).scalar_subquery()
            db.execute(update(contacts).where(contacts.c.id == first).values(phone="no number"))
        run_until_the_others_are_reached(using, vendor, [campaign_id], count=3)
        assert "dial" in steps_in_trouble(using)


def test_one_receipt_that_cannot_be_applied_keeps_no_other_from_being(using, vendor):
    ids = {name: campaign_of(using, name) for name in ACCOUNTS}
    same = seed(using.ledger, numbers(3, first=60), now=using.clock(), account="poison", campaign="same-account")
    for slice_ in release(using=using):
        dial(slice_, using=using)
    make_unreadable(using.ledger, ids["poison"])
    with using.ledger.writing() as db:  # its answers were lost, so that its receipts tell of the calls
        db.execute(update(attempts).where(attempts.c.campaign_id == ids["poison"]).values(status="dialing"))
    run_until_the_others_are_reached(using, vendor, [ids["a"], ids["z"], same])
    assert steps_in_trouble(using)["settle"] == {"poison"}


def test_one_answer_that_cannot_be_written_loses_no_other_of_its_slice(ledger, clock, redis_url, buckets):
    from campaigns.dispatch.answers import Answer, Answers, settle_answers
    from tests.support.settling import PLACED

    with working(ledger, redis_url, {"main": callgear()}, clock=clock) as using:
        *good, bad = dialing(ledger, numbers(4), now=clock())
        calls = {one.id: f"c-{one.id}" for one in good} | {bad.id: "c-\ud800"}  # half a character: no store takes it
        answers = [Answer(sent(one), replace(PLACED, provider_call_id=calls[one.id])) for one in (bad, *good)]
        settle_answers([Answers(answers, campaign_row(ledger, bad.campaign_id), using.accounts["main"])], using)
        assert [attempt(ledger, one.id).status for one in (*good, bad)] == ["placed"] * 3 + ["dialing"]
        assert steps_in_trouble(using) == {"settle": {"main"}}


def test_one_call_that_cannot_be_concluded_keeps_no_other_open(ledger, clock, redis_url, buckets):
    """Of one look at the calls in progress, and of one sweep."""
    listing = ListingVendor()
    with serving(listing.reply) as url, working(ledger, redis_url, {"main": callgear(url)}, clock=clock) as using:
        good = dialing(ledger, numbers(3), now=clock())
        (bad,) = dialing(ledger, numbers(1, first=9), now=clock(), campaign="unreadable")
        for one in (*good, bad):
            ledger.write(accept, one, f"c-{one.id}", using.accounts["main"].settings, now=clock.forward(0.1))
        make_unreadable(ledger, bad.campaign_id)
        for seconds in (2.5, 2, 2):
            clock.forward(seconds)
            for lease in buckets.scan_iter("{bucket:main}:lease:look*"):
                buckets.delete(lease)
            poll_accounts(using=using)
        assert {fresh(ledger, one.id).status.value for one in good} == {"ended"}
        assert steps_in_trouble(using)["look"] == {"main"}

        late = dialing(ledger, numbers(2, first=20), now=clock())
        clock.forward(3600)
        sweep(using=using)  # marks them unconfirmed
        clock.forward(3600)
        sweep(using=using)
        assert {attempt(ledger, one.id).status for one in late} == {"unknown"}
        assert steps_in_trouble(using)["sweep"] == {"main"}


def test_one_schedule_that_cannot_be_launched_keeps_no_other_from_being_launched(ledger, tmp_path):
    now = utc_now()
    (tmp_path / "list.csv").write_text("phone\n+14155550100\n")
    with ledger.writing() as db:
        for name in ACCOUNTS:
            file = tmp_path / f"{name}.yaml"
            file.write_text(RECURRING.format(name=name))
            facts = {"name": name, "file": str(file), "next_at": now, "last_said": "", "state": LaunchState.IDLE}
            db.execute(insert(schedules).values(**facts, added_by="test", added_at=now))
    accounts: Any = {"a": webex(), "poison": Poison(), "z": webex()}
    launched = launch_due(ledger, accounts, rejects_folder=tmp_path, now=now)
    assert sorted(launched) == ["a-1", "z-1"]
    assert "ZeroDivisionError" in {schedule.name: schedule.last_said for schedule in listed(ledger)}["poison"]
    with ledger.reading() as db:
        assert [row.step for row in faults_by_step(db)] == [Step.LAUNCH]
