"""A campaign with a canary calls the first of its list, and the others only if enough of those were reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select, update

from campaigns.dispatch.release import release
from campaigns.ledger.tables import attempts, audit, contacts
from campaigns.lifecycle import CampaignStatus
from campaigns.operations import control
from campaigns.reporting.hold_reason import HoldKind, hold_reason
from campaigns.runtime import Runtime
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept, rule
from dialer.calls import Outcome
from dialer.providers.registry import account_settings
from dialer.verdicts import Ruling, Verdict
from tests.support.dialers import release_twice_at_once, webex, working
from tests.support.seeding import campaign_row, definition, fresh, numbers, open_all, seed

SETTINGS = account_settings(provider="webex")
CANARY = {"contacts": 4, "wait": "10m", "reached": 0.5}


@pytest.fixture
def opened(ledger, redis_url, buckets, clock) -> Iterator[Callable[[], Runtime]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(working(ledger, redis_url, {"main": webex()}, clock=clock))


def call(using: Runtime) -> int:
    """What a tick releases is dialed; how many contacts that were."""
    count = 0
    for one in release(using=using):
        count += len(open_all(using.ledger, one.claim, one.contact_ids, now=using.clock()))
    return count


def end(using: Runtime, *outcomes: Outcome) -> None:
    """The calls in progress end so, in the list's order."""
    with using.ledger.reading() as db:
        going = (attempts.c.outcome.is_(None), attempts.c.status != "not_placed")
        ids = list(db.scalars(select(attempts.c.id).where(*going).order_by(attempts.c.contact_id)))
    for attempt_id, outcome in zip(ids, outcomes, strict=True):
        using.ledger.write(accept, fresh(using.ledger, attempt_id), None, SETTINGS, now=using.clock())
        ending = Ending(outcome=outcome, ended_at=using.clock())
        using.ledger.write(conclude, fresh(using.ledger, attempt_id), ending, now=using.clock())


def answer(using: Runtime, verdict: Verdict, **words: Any) -> None:
    """The provider answers every request under way so."""
    with using.ledger.reading() as db:
        ids = list(db.scalars(select(attempts.c.id).where(attempts.c.status == "dialing")))
    for attempt_id in ids:
        ruling = Ruling(verdict=verdict, **words)
        using.ledger.write(rule, fresh(using.ledger, attempt_id), ruling, SETTINGS, now=using.clock(), rng=Random(1))


def kind(ledger, campaign_id: str, now) -> HoldKind:
    with ledger.reading() as db:
        return hold_reason(db, campaign_row(ledger, campaign_id), now).kind


def test_only_the_first_are_called_until_their_calls_have_ended(ledger, clock, opened):
    using = opened()
    campaign_id = seed(ledger, numbers(10), now=clock(), canary=CANARY)
    assert call(using) == 4
    assert call(using) == 0
    assert kind(ledger, campaign_id, clock()) is HoldKind.CANARY
    assert campaign_row(ledger, campaign_id).held_until == clock() + timedelta(minutes=10)
    end(using, Outcome.ANSWERED, Outcome.ANSWERED, Outcome.BUSY, Outcome.NO_ANSWER)
    assert call(using) == 6
    with ledger.reading() as db:
        (passed,) = db.execute(select(audit).where(audit.c.event == "canary passed"))
    assert passed.detail == "2 of its first 4 contacts were reached"


def test_too_few_reached_pause_the_campaign_and_a_person_may_go_on(ledger, clock, opened):
    using = opened()
    campaign_id = seed(ledger, numbers(10), now=clock(), canary=CANARY)
    assert call(using) == 4
    end(using, Outcome.ANSWERED, Outcome.BUSY, Outcome.BUSY, Outcome.NO_ANSWER)
    assert call(using) == 0
    paused = campaign_row(ledger, campaign_id)
    assert (paused.status, paused.reason) == (
        CampaignStatus.PAUSED,
        "canary: 1 of its first 4 contacts were reached, and 50% were asked for",
    )
    assert kind(ledger, campaign_id, clock()) is HoldKind.CANARY
    control.resume(ledger, campaign_id, who="ann", now=clock())
    assert call(using) == 6


def test_calls_that_were_handed_to_the_provider_are_waited_for_from_when_it_places_them(ledger, clock, opened):
    using = opened()
    campaign_id = seed(ledger, numbers(10), now=clock(), canary=CANARY)
    assert call(using) == 4
    placed_at = clock() + timedelta(hours=3)
    with ledger.writing() as db:
        db.execute(update(attempts).values(send_at=placed_at))
    clock.forward(3600)
    assert call(using) == 0
    assert campaign_row(ledger, campaign_id).held_until == placed_at + timedelta(minutes=10)
    end(using, Outcome.ANSWERED, Outcome.ANSWERED, Outcome.BUSY, Outcome.NO_ANSWER)
    assert call(using) == 6


def test_calls_that_do_not_end_in_time_count_as_not_reached(ledger, clock, opened):
    using = opened()
    campaign_id = seed(ledger, numbers(10), now=clock(), canary=CANARY)
    assert call(using) == 4
    clock.forward(599)
    assert call(using) == 0
    assert campaign_row(ledger, campaign_id).status is CampaignStatus.RUNNING
    clock.forward(1)
    assert call(using) == 0
    assert campaign_row(ledger, campaign_id).status is CampaignStatus.PAUSED


def test_exactly_as_many_as_were_asked_for_are_enough(ledger, clock, opened):
    using = opened()
    seed(ledger, numbers(51), now=clock(), canary=CANARY | {"contacts": 50, "reached": 0.14}, pace=100)
    while call(using):
        clock.forward(1)
    end(using, *[Outcome.ANSWERED] * 7, *[Outcome.BUSY] * 43)
    clock.forward(1)
    assert call(using) == 1


@pytest.mark.parametrize("called", [0, 1, 3])
def test_after_a_pause_those_who_are_yet_to_be_called_are_waited_for(ledger, clock, opened, called):
    """The latest call is long past by then: it is theirs that the others wait for."""
    using = opened()
    campaign_id = seed(ledger, numbers(10), now=clock(), canary=CANARY, retry={"max_attempts": 1})
    assert call(using) == 4
    with ledger.writing() as db:
        first = select(attempts.c.id).order_by(attempts.c.contact_id).offset(called)
        away = db.scalars(first).all()
    for one in away:
        ruling = Ruling(verdict=Verdict.HALT_CAMPAIGN, mnemonic="account_inactive")
        ledger.write(rule, fresh(ledger, one), ruling, SETTINGS, now=clock(), rng=Random(1))
    end(using, *[Outcome.ANSWERED] * called)
    clock.forward(1200)
    control.resume(ledger, campaign_id, who="ann", now=clock())
    claimed = release(using=using)
    assert sum(len(one.contact_ids) for one in claimed) == 4 - called
    clock.forward(1)
    assert release(using=using) == []
    with ledger.reading() as db:
        assert db.scalars(select(audit.c.detail).where(audit.c.event.startswith("canary"))).all() == []
    for one in claimed:
        open_all(ledger, one.claim, one.contact_ids, now=clock())
    assert call(using) == 0
    end(using, *[Outcome.ANSWERED] * (4 - called))
    assert call(using) == 6


def test_retries_of_the_first_wait_for_the_decision(ledger, clock, opened):
    using = opened()
    seed(ledger, numbers(10), now=clock(), canary=CANARY, retry={"max_attempts": 3, "busy": ["5s", "5s"]})
    call(using)
    with ledger.reading() as db:
        first = db.scalars(select(attempts.c.id).order_by(attempts.c.contact_id)).first()
    using.ledger.write(accept, fresh(ledger, first), None, SETTINGS, now=clock())
    using.ledger.write(conclude, fresh(ledger, first), Ending(outcome=Outcome.BUSY, ended_at=clock()), now=clock())
    clock.forward(60)
    assert call(using) == 0


def test_retries_wait_for_those_of_the_first_who_are_yet_to_be_called(ledger, clock, opened):
    """A slow campaign has called some when the first retry is due: nobody is called twice before the others once."""
    using = opened()
    retry = {"max_attempts": 3, "busy": ["5s", "5s"]}
    campaign_id = seed(ledger, numbers(5), now=clock(), canary=CANARY, pace=0.1, retry=retry)
    while campaign_row(ledger, campaign_id).status is CampaignStatus.RUNNING:
        end(using, *[Outcome.BUSY] * call(using))
        clock.forward(6)
    with ledger.reading() as db:
        called = db.execute(select(attempts.c.contact_id, attempts.c.number).order_by(attempts.c.dialing_at)).all()
    assert [tuple(one) for one in called] == [(called[0].contact_id + more, 1) for more in range(4)]
    assert "0 of its first 4 contacts" in str(campaign_row(ledger, campaign_id).reason)


def test_while_the_first_are_yet_to_be_called_a_retry_is_held_by_the_canary(ledger, clock, opened):
    """One of the first waits for its hour."""
    using = opened()
    campaign_id = seed(ledger, numbers(4), now=clock(), canary=CANARY, retry={"max_attempts": 2, "busy": ["5s"]})
    with ledger.writing() as db:
        last = select(func.max(contacts.c.id)).scalar_subquery()
        db.execute(update(contacts).where(contacts.c.id == last).values(due_at=clock() + timedelta(minutes=20)))
    assert call(using) == 3
    end(using, *[Outcome.BUSY] * 3)
    clock.forward(60)
    assert call(using) == 0
    assert kind(ledger, campaign_id, clock()) is HoldKind.CANARY
    clock.forward(1200)
    assert call(using) == 1


def test_two_ticks_at_once_release_no_more_than_the_canary_allows(ledger, clock, opened):
    seed(ledger, numbers(30), now=clock(), canary=CANARY)
    assert sum(len(one.contact_ids) for one in release_twice_at_once(opened())) == 4


def test_requests_that_placed_no_call_are_not_among_the_first(ledger, clock, opened):
    using = opened()
    campaign_id = seed(ledger, numbers(30), now=clock(), canary=CANARY)
    assert call(using) == 4
    answer(using, Verdict.THROTTLED, retry_after=5.0)
    clock.forward(10)
    assert call(using) == 4
    assert campaign_row(ledger, campaign_id).status is CampaignStatus.RUNNING


def test_contacts_that_the_provider_refuses_for_good_are_among_the_first(ledger, clock, opened):
    using = opened()
    campaign_id = seed(ledger, numbers(30), now=clock(), canary=CANARY)
    assert call(using) == 4
    answer(using, Verdict.REFUSE_CONTACT, mnemonic="invalid_number")
    assert call(using) == 0
    assert campaign_row(ledger, campaign_id).status is CampaignStatus.PAUSED


def test_a_campaign_that_was_halted_at_its_first_calls_has_its_canary_before_it_still(ledger, clock, opened):
    using = opened()
    campaign_id = seed(ledger, numbers(30), now=clock(), canary=CANARY)
    assert call(using) == 4
    answer(using, Verdict.HALT_CAMPAIGN, mnemonic="invalid_sender")
    assert campaign_row(ledger, campaign_id).status is CampaignStatus.PAUSED
    control.resume(ledger, campaign_id, who="ann", now=clock.forward(60))
    assert call(using) == 4
    assert call(using) == 0
    assert campaign_row(ledger, campaign_id).status is CampaignStatus.RUNNING


def test_a_list_shorter_than_its_canary_is_called_whole_retries_too(ledger, clock, opened):
    using = opened()
    seed(ledger, numbers(3), now=clock(), canary=CANARY, retry={"max_attempts": 2, "busy": ["5s"]})
    assert call(using) == 3
    end(using, *[Outcome.BUSY] * 3)
    clock.forward(6)
    assert call(using) == 3


@pytest.mark.parametrize("written", [{"contacts": 0}, {"contacts": 5, "reached": 2}, {"wait": "10m"}])
def test_a_canary_that_is_none_is_refused(written):
    with pytest.raises(ValidationError):
        definition(canary=written)
