"""A provider that fails is left alone for a while; one call shows whether it works again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from campaigns.dispatch.dial import Slice
from campaigns.dispatch.release import release
from campaigns.ledger.tables import attempts, breakers, contacts
from campaigns.lifecycle import IllegalMove
from campaigns.operations import control
from campaigns.runtime import Runtime
from campaigns.safeguards import circuit_breaker
from dialer.verdicts import Verdict
from tests.support.dialers import release_twice_at_once, webex, working
from tests.support.seeding import campaign_row, numbers, open_all, seed
from tests.support.statuses import as_attempt


@pytest.fixture
def using(ledger, clock, redis_url, buckets) -> Iterator[Runtime]:
    with ExitStack() as stack:
        yield stack.enter_context(working(ledger, redis_url, {"main": webex(pace=50)}, clock=clock))


def tick(using: Runtime, answer: Verdict | None = Verdict.PLACED, **words: Any) -> dict[str, int]:
    """One tick of the release, all of whose calls get this answer; how many of each campaign there were."""
    counts: dict[str, int] = {}
    for one in release(using=using):
        counts[one.campaign_id] = counts.get(one.campaign_id, 0) + len(one.contact_ids)
        answered(using, one, answer, **words)
    using.clock.forward(1)  # type: ignore[attr-defined]
    return counts


def answered(using: Runtime, one: Slice, verdict: Verdict | None, **words: Any) -> None:
    opened = open_all(using.ledger, one.claim, one.contact_ids, now=using.clock())
    status = "placed" if verdict is Verdict.PLACED else "not_placed"
    with using.ledger.writing() as db:
        if verdict is not None:
            facts = {**as_attempt(status, using.clock()), "verdict": verdict, **words}
            db.execute(update(attempts).where(attempts.c.id.in_(opened)).values(**facts))
            again = "placed" if verdict is Verdict.PLACED else "pending"
            ids = contacts.c.id.in_(one.contact_ids)
            db.execute(update(contacts).where(ids).values(status=again, due_at=using.clock()))


def phones(count: int, area: int = 415) -> list[str]:
    return numbers(min(count, 80), area) + numbers(max(0, count - 80), area + 1)


def test_a_campaign_that_the_provider_fails_is_paused_with_the_last_failures(using, clock):
    one = seed(using.ledger, phones(120), now=clock())
    tick(using, Verdict.NOT_PLACED, mnemonic="internal_error")
    assert campaign_row(using.ledger, one).status == "running", "it is looked at by the next tick"
    assert tick(using) == {}
    campaign = campaign_row(using.ledger, one)
    assert campaign.status == "paused"
    assert campaign.reason.startswith("breaker: 101 of 101 requests failed; last failures: internal_error (15:00:00)")
    assert campaign.reason.endswith("one call tries again at 15:01:01 UTC")


def test_one_call_tries_again_and_when_it_is_placed_all_go_on(using, clock):
    one = seed(using.ledger, phones(120), now=clock())
    tick(using, Verdict.NOT_PLACED)
    tick(using)
    clock.forward(50)
    assert tick(using) == {}
    clock.forward(10)
    assert tick(using, None) == {one: 1}, "half open"
    assert tick(using) == {}, "and nobody else while it has no answer"
    with using.ledger.writing() as db:
        db.execute(update(attempts).where(attempts.c.status == "dialing").values(status="placed", verdict="placed"))
    assert tick(using)[one] > 20
    assert campaign_row(using.ledger, one).status == "running"
    with using.ledger.reading() as db:
        assert db.execute(select(breakers)).all() == []


def test_two_ticks_at_once_make_one_call_to_try(using, clock):
    seed(using.ledger, phones(120), now=clock())
    tick(using, Verdict.NOT_PLACED)
    tick(using)
    clock.forward(60)
    assert [len(one.contact_ids) for one in release_twice_at_once(using)] == [1]


def test_when_the_one_call_fails_too_it_is_tried_ever_later(using, clock):
    one = seed(using.ledger, phones(120), now=clock())
    tick(using, Verdict.NOT_PLACED)
    tick(using)
    waits = []
    for _ in range(6):
        while not (made := tick(using, Verdict.UNCONFIRMED)):
            clock.forward(19)
        assert made == {one: 1}
        failed_at = clock()
        tick(using)
        assert campaign_row(using.ledger, one).status == "paused"
        with using.ledger.reading() as db:
            waits.append(round((db.execute(select(breakers)).one().try_at - failed_at).total_seconds()))
    assert waits == [120, 240, 480, 900, 900, 900]


def test_a_throttled_try_shows_nothing_and_another_is_made(using, clock):
    one = seed(using.ledger, phones(120), now=clock())
    tick(using, Verdict.NOT_PLACED)
    tick(using)
    clock.forward(60)
    assert tick(using, Verdict.THROTTLED) == {one: 1}
    assert tick(using, Verdict.PLACED) == {one: 1}
    assert tick(using)[one] > 1


@pytest.mark.parametrize(
    ("failed", "answer", "stops"),
    [
        (12, Verdict.NOT_PLACED, True),
        (12, Verdict.UNCONFIRMED, True),
        (10, Verdict.NOT_PLACED, True),
        (9, Verdict.NOT_PLACED, False),
        (12, Verdict.REFUSE_CONTACT, False),
        (12, Verdict.THROTTLED, False),
        (12, Verdict.NOT_SENT, False),
    ],
)
def test_half_of_at_least_twenty_is_too_much_and_refused_contacts_are_no_failures(using, clock, failed, answer, stops):
    campaign_id = seed(using.ledger, phones(60), now=clock(), pace=2.5)  # so that a slice is one contact
    slices = [*release(using=using)]
    clock.forward(2)
    slices += release(using=using)
    assert {len(each.contact_ids) for each in slices} == {1}
    for each in slices:
        answered(using, each, answer if failed > 0 else Verdict.PLACED)
        failed -= len(each.contact_ids)
    while len(_answers(using)) < 20:
        clock.forward(1)
        for each in release(using=using)[: 20 - len(_answers(using))]:
            answered(using, each, answer if failed > 0 else Verdict.PLACED)
            failed -= len(each.contact_ids)
    release(using=using)
    assert (campaign_row(using.ledger, campaign_id).status == "paused") is stops


def _answers(using: Runtime) -> list[Any]:
    with using.ledger.reading() as db:
        return list(db.execute(select(attempts.c.verdict)))


def test_a_slow_campaign_stops_after_twenty_failures_in_a_row(using, clock):
    one = seed(using.ledger, phones(60), now=clock(), pace=0.1)
    for _ in range(400):
        tick(using, Verdict.NOT_PLACED)
        clock.forward(1)
        if campaign_row(using.ledger, one).status == "paused":
            break
    assert len(_answers(using)) in {20, 21}


def test_failures_of_long_ago_do_not_count(using, clock):
    one = seed(using.ledger, phones(160), now=clock(), pace=10)
    for number, each in enumerate(release(using=using)):
        answered(using, each, Verdict.PLACED if number % 3 == 0 else Verdict.NOT_PLACED)
    clock.forward(121)
    tick(using, Verdict.PLACED)
    tick(using, Verdict.PLACED)
    assert campaign_row(using.ledger, one).status == "running"


def test_an_account_that_fails_all_its_campaigns_stops_them_together_and_one_call_tries_for_all(using, clock):
    mine = [seed(using.ledger, phones(60, area), now=clock(), campaign=f"c{area}") for area in (212, 312, 415)]
    tick(using, Verdict.NOT_PLACED)
    tick(using)
    rows = [campaign_row(using.ledger, one) for one in mine]
    assert {row.status for row in rows} == {"paused"}
    assert all(row.reason.startswith("breaker of account main: 101 of 101 requests failed") for row in rows)
    clock.forward(60)
    made = tick(using, Verdict.PLACED)
    assert sum(made.values()) == 1, "one call for the whole account"
    assert set(tick(using)) == set(mine)
    assert {campaign_row(using.ledger, one).status for one in mine} == {"running"}


def test_one_campaign_that_fails_does_not_stop_the_others(using, clock):
    bad = seed(using.ledger, phones(60, 212), now=clock(), campaign="bad")
    good = seed(using.ledger, phones(120, 415), now=clock(), campaign="good")
    for each in release(using=using):
        answered(using, each, Verdict.NOT_PLACED if each.campaign_id == bad else Verdict.PLACED)
    clock.forward(1)
    tick(using)
    assert campaign_row(using.ledger, bad).status == "paused"
    assert campaign_row(using.ledger, good).status == "running"


def test_a_person_who_resumes_is_obeyed_and_so_is_one_who_pauses_while_it_tries(using, clock):
    one = seed(using.ledger, phones(150), now=clock())
    tick(using, Verdict.NOT_PLACED)
    tick(using)
    control.resume(using.ledger, one, who="test", now=clock())
    assert tick(using, Verdict.NOT_PLACED)[one] > 20, "with a new count"
    tick(using)
    assert campaign_row(using.ledger, one).status == "paused"
    clock.forward(60)
    assert tick(using, None) == {one: 1}
    control.pause(using.ledger, one, who="test", now=clock())
    clock.forward(3600)
    assert tick(using) == {}
    assert campaign_row(using.ledger, one).reason == "by a person"


def test_a_person_can_hold_a_campaign_that_its_breaker_has_paused(using, clock):
    one = seed(using.ledger, phones(150), now=clock())
    tick(using, Verdict.NOT_PLACED)
    tick(using)
    held = control.pause(using.ledger, one, who="ann", reason="not today", now=clock())
    assert (held.status, held.reason, held.since) == ("paused", "not today", clock())
    clock.forward(3600)
    assert tick(using) == {}
    assert campaign_row(using.ledger, one).reason == "not today"
    with pytest.raises(IllegalMove):
        control.pause(using.ledger, one, who="ann", now=clock())
    control.resume(using.ledger, one, who="ann", now=clock())
    assert tick(using, Verdict.PLACED)[one] > 20


def test_who_resumes_and_pauses_between_two_ticks_is_obeyed(using, clock):
    one = seed(using.ledger, phones(150), now=clock())
    tick(using, Verdict.NOT_PLACED)
    tick(using)
    control.resume(using.ledger, one, who="ann", now=clock())
    control.pause(using.ledger, one, who="ann", now=clock())
    clock.forward(3600)
    assert tick(using) == {}
    assert campaign_row(using.ledger, one).status == "paused"


def failing_together(using: Runtime, **first: Any) -> tuple[str, str]:
    """Two campaigns whose account has failed both; the first is as these changes say."""
    a = seed(using.ledger, phones(60, 212), now=using.clock(), campaign="a", **first)
    b = seed(using.ledger, phones(60, 415), now=using.clock(), campaign="b")
    for _ in range(5):
        tick(using, Verdict.NOT_PLACED)
    assert {campaign_row(using.ledger, one).status for one in (a, b)} == {"paused"}
    return a, b


def test_a_campaign_whose_windows_have_closed_does_not_try_for_its_account(using, clock):
    _, b = failing_together(using, schedule={"zone": "UTC", "windows": {"mon-sun": "09:00-15:01"}})
    clock.forward(60)
    assert tick(using, Verdict.PLACED) == {b: 1}
    assert tick(using)[b] > 1


def test_a_campaign_that_tries_and_calls_nobody_lets_another_try_after_a_minute(using, clock):
    a, b = failing_together(using)
    clock.forward(60)
    using.ledger.write(circuit_breaker.watch, clock())
    assert campaign_row(using.ledger, a).status == "running"
    with using.ledger.writing() as db:
        held_up = update(contacts).where(contacts.c.campaign_id == a)
        db.execute(held_up.values(due_at=clock() + timedelta(hours=1)))
    clock.forward(59)
    assert tick(using) == {}
    assert tick(using, Verdict.PLACED) == {b: 1}
    assert campaign_row(using.ledger, a).status == "paused"
    tick(using)
    assert {campaign_row(using.ledger, one).status for one in (a, b)} == {"running"}


def test_a_breaker_can_be_written_otherwise_or_left_out(using, clock):
    strict = {"failures": 0.1, "at_least": 5, "within": "10s", "wait": "5m"}
    one = seed(using.ledger, phones(10), now=clock(), campaign="strict", breaker=strict)
    free = seed(using.ledger, phones(60, 212), now=clock(), campaign="free", breaker={"enabled": False})
    tick(using, Verdict.NOT_PLACED)
    tick(using, Verdict.NOT_PLACED)
    assert campaign_row(using.ledger, one).status == "paused"
    assert campaign_row(using.ledger, free).status == "running"
    with using.ledger.reading() as db:
        row = db.execute(select(breakers)).one()
    assert row.try_at - row.opened_at == timedelta(minutes=5)
