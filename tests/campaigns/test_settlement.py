"""What a provider's answer, or a call's outcome, means for the attempt, its contact, its campaign and its account."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from campaigns import control
from campaigns.endings import Ending, conclude
from campaigns.ledger import reading
from campaigns.ledger.suppressions import suppress
from campaigns.ledger.tables import suppressions
from campaigns.lifecycle import CampaignStatus
from campaigns.rulings import PROVIDER_TRIES, accept, doubt, never_placed, rule
from campaigns.witness import Witness
from dialer.accounts import AccountSettings
from dialer.calls import Outcome
from dialer.verdicts import Ruling, Verdict
from tests.campaigns.seeding import (
    attempt,
    campaign_row,
    contact,
    dial_again,
    dialing,
    fresh,
    numbers,
    seed,
)

SETTINGS = AccountSettings(provider="callgear")
PLACED = Ruling(verdict=Verdict.PLACED, provider_call_id="c-1")
OWN_TEXT = {"message": {"tts": "Hello {{ name }}, this is a reminder of your appointment."}}
RETRY = {"retry": {"max_attempts": 3, "busy": ["5m", "15m"], "no_answer": ["30m", "2h"], "failed": ["1m", "1m", "1m"]}}


def ruled(ledger, one, ruling, now):
    ledger.write(rule, fresh(ledger, one.id), ruling, SETTINGS, now=now, rng=Random(1))


def refused(verdict: Verdict, **facts: Any) -> Ruling:
    return Ruling(**{"verdict": verdict, "mnemonic": "its_word", "detail": "says the provider", **facts})


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a ruling leaves behind. `due` is the least and most seconds until the contact is tried again."""

    ruling: Ruling
    attempt: str
    contact: str
    counted: bool = False
    campaign: str = "running"
    neighbour: str = "running"  # another campaign of the same account
    due: tuple[float, float] | None = None
    suppressed: bool = False
    changes: dict[str, Any] = field(default_factory=dict)


EFFECTS = {
    "placed": Effect(ruling=PLACED, attempt="placed", contact="placed", counted=True),
    "unconfirmed": Effect(ruling=refused(Verdict.UNCONFIRMED), attempt="unconfirmed", contact="dialing"),
    "throttled": Effect(
        ruling=refused(Verdict.THROTTLED, retry_after=30.0), attempt="not_placed", contact="pending", due=(30.0, 33.0)
    ),
    "throttled, nobody says how long": Effect(
        ruling=refused(Verdict.THROTTLED), attempt="not_placed", contact="pending", due=(1.0, 1.1)
    ),
    "not placed": Effect(ruling=refused(Verdict.NOT_PLACED), attempt="not_placed", contact="pending", due=(0.75, 1.25)),
    "held back by ourselves": Effect(
        ruling=refused(Verdict.NOT_SENT), attempt="not_placed", contact="pending", due=(1.0, 1.1)
    ),
    "refuse contact": Effect(ruling=refused(Verdict.REFUSE_CONTACT), attempt="not_placed", contact="refused"),
    "refuse contact for its own text": Effect(
        ruling=refused(Verdict.REFUSE_CONTACT, blames_script=True),
        attempt="not_placed",
        contact="refused",
        changes=OWN_TEXT,
    ),
    "refuse contact for a text that is the same for all": Effect(
        ruling=refused(Verdict.REFUSE_CONTACT, blames_script=True),
        attempt="not_placed",
        contact="pending",
        campaign="paused",
        due=(0.0, 0.0),
    ),
    "refuse contact for a recording": Effect(
        ruling=refused(Verdict.REFUSE_CONTACT, blames_script=True),
        attempt="not_placed",
        contact="pending",
        campaign="paused",
        due=(0.0, 0.0),
        changes={"message": {"media": "1561"}},
    ),
    "suppress": Effect(ruling=refused(Verdict.SUPPRESS), attempt="not_placed", contact="suppressed", suppressed=True),
    "halt campaign": Effect(
        ruling=refused(Verdict.HALT_CAMPAIGN),
        attempt="not_placed",
        contact="pending",
        campaign="paused",
        due=(0.0, 0.0),
    ),
    "halt account": Effect(
        ruling=refused(Verdict.HALT_ACCOUNT),
        attempt="not_placed",
        contact="pending",
        campaign="paused",
        neighbour="paused",
        due=(0.0, 0.0),
    ),
    "login again, in vain": Effect(
        ruling=refused(Verdict.LOGIN_AGAIN),
        attempt="not_placed",
        contact="pending",
        campaign="paused",
        neighbour="paused",
        due=(0.0, 0.0),
    ),
}


def test_the_table_below_knows_every_verdict():
    assert {effect.ruling.verdict for effect in EFFECTS.values()} == set(Verdict)


@pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS.keys())
def test_every_verdict_has_its_effect(ledger, clock, effect):
    neighbour = seed(ledger, numbers(1, area=212), now=clock(), campaign="neighbour")
    elsewhere = seed(ledger, numbers(1, area=213), now=clock(), campaign="elsewhere", account="other")
    (one,) = dialing(ledger, numbers(1), now=clock(), **effect.changes)
    ruled(ledger, one, effect.ruling, clock.forward(1))

    made, called = attempt(ledger, one.id), contact(ledger, one.contact_id)
    assert (made.status, made.counted, made.verdict) == (effect.attempt, effect.counted, effect.ruling.verdict)
    assert (made.mnemonic, made.provider_call_id) == (effect.ruling.mnemonic, effect.ruling.provider_call_id)
    assert (called.status, called.attempts) == (effect.contact, int(effect.counted))
    campaign = campaign_row(ledger, one.campaign_id)
    assert campaign.status == effect.campaign
    assert effect.campaign == "running" or "its_word: says the provider" in (campaign.reason or "")
    assert campaign_row(ledger, neighbour).status == effect.neighbour
    assert campaign_row(ledger, elsewhere).status == "running"
    if effect.due is None:
        assert made.next_attempt_at is None
    else:
        least, most = (clock() + timedelta(seconds=seconds) for seconds in effect.due)
        assert least <= called.due_at <= most
        assert made.next_attempt_at == called.due_at
    if effect.contact in {"refused", "suppressed"}:
        assert (called.reason, called.final_at) == ("its_word: says the provider", clock())
    with ledger.reading() as db:
        assert (db.scalar(select(suppressions.c.phone)) == one.phone) is effect.suppressed


@pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS.keys())
def test_an_answer_that_comes_after_the_end_changes_nothing(ledger, clock, effect):
    (one,) = dialing(ledger, numbers(1), now=clock(), **effect.changes)
    ledger.write(accept, one, "c-1", SETTINGS, now=clock.forward(1))
    ending = Ending(outcome=Outcome.ANSWERED, ended_at=clock.forward(20))
    assert ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())
    before = (attempt(ledger, one.id), contact(ledger, one.contact_id))
    ruled(ledger, one, effect.ruling, clock.forward(5))
    assert (attempt(ledger, one.id), contact(ledger, one.contact_id)) == before
    assert campaign_row(ledger, one.campaign_id).status == CampaignStatus.RUNNING


def test_being_throttled_spends_nothing_however_often(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    for _ in range(40):
        ruled(ledger, one, refused(Verdict.THROTTLED, retry_after=1.0), clock())
        one = dial_again(ledger, one.contact_id, now=clock.forward(2))
    row = contact(ledger, one.contact_id)
    assert (row.status, row.attempts) == ("dialing", 0)
    assert campaign_row(ledger, one.campaign_id).status == CampaignStatus.RUNNING
    ruled(ledger, one, PLACED, clock())
    assert contact(ledger, one.contact_id).attempts == 1


def test_a_request_that_we_held_back_is_no_failure_of_the_provider(ledger, clock):
    many = dialing(ledger, numbers(40), now=clock())
    for one in many:
        ruled(ledger, one, refused(Verdict.NOT_SENT), clock.forward(0.1))
    assert campaign_row(ledger, many[0].campaign_id).status == "running"


def test_a_provider_that_keeps_failing_is_asked_ever_later_and_then_no_more(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    waits = []
    for _ in range(PROVIDER_TRIES - 1):
        ruled(ledger, one, refused(Verdict.NOT_PLACED), clock())
        waits.append((contact(ledger, one.contact_id).due_at - clock()).total_seconds())
        one = dial_again(ledger, one.contact_id, now=clock.forward(90))
    assert waits[0] < waits[2] < waits[4]
    assert max(waits) <= 75
    ruled(ledger, one, refused(Verdict.NOT_PLACED), clock())
    row = contact(ledger, one.contact_id)
    assert (row.status, row.attempts) == ("unreached", 0)
    assert row.reason == "the provider placed no call in 12 requests; last: its_word: says the provider"
    assert campaign_row(ledger, one.campaign_id).status == CampaignStatus.RUNNING


def test_a_suppressed_number_is_kept_for_good_also_when_it_stood_there_for_a_while_only(ledger, clock):
    a_week = clock() + timedelta(days=7)
    phones = numbers(3)
    for phone, until in zip(phones, [a_week, clock() - timedelta(days=1), None], strict=True):
        ledger.write(suppress, phone, reason="asked us", source="test", now=clock(), expires_at=until)
        ledger.write(suppress, phone, reason="blacklisted", source="provider", now=clock())
    with ledger.reading() as db:
        rows = db.execute(select(suppressions).order_by(suppressions.c.id)).all()
    assert [row.expires_at for row in rows] == [None, None, None]
    assert [row.reason for row in rows] == ["blacklisted", "blacklisted", "asked us"]


def test_the_same_number_may_be_suppressed_twice(ledger, clock):
    told = [
        ledger.write(suppress, numbers(1)[0], reason=reason, source="test", now=clock()) for reason in ("one", "two")
    ]
    assert told == [True, False]


# Outcomes and retries


def ended(ledger, one, outcome, now, **facts):
    """The call was placed and has ended this way; returns its contact's row."""
    ledger.write(accept, fresh(ledger, one.id), f"call-{one.id}", SETTINGS, now=now)
    ending = Ending(outcome=outcome, ended_at=now, **facts)
    assert ledger.write(conclude, fresh(ledger, one.id), ending, now=now + timedelta(seconds=7))
    return contact(ledger, one.contact_id)


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        (Outcome.ANSWERED, "reached", "answered"),
        (Outcome.MACHINE, "reached", "machine"),
        (Outcome.BUSY, "pending", None),
        (Outcome.NO_ANSWER, "pending", None),
        (Outcome.FAILED, "pending", None),
        (Outcome.REJECTED, "unreached", "rejected after 1 attempt"),
        (Outcome.INVALID_NUMBER, "unreached", "invalid_number after 1 attempt"),
        (Outcome.EXPIRED, "expired", "expired at the provider"),
        (Outcome.UNKNOWN, "unknown", "outcome unknown"),
    ],
)
def test_every_outcome_has_its_effect(ledger, clock, outcome, status, reason):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    row = ended(ledger, one, outcome, clock.forward(10))
    assert (row.status, row.reason, row.attempts) == (status, reason, 1)
    made = attempt(ledger, one.id)
    assert made.status == ("unknown" if outcome is Outcome.UNKNOWN else "ended")
    assert (made.outcome, made.conclude_at) == (outcome, None)
    assert (row.final_at is None) == (status == "pending")


def test_the_retry_clock_starts_when_the_call_ended(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    row = ended(ledger, one, Outcome.BUSY, clock.forward(40))
    assert row.due_at == clock() + timedelta(minutes=5)
    assert attempt(ledger, one.id).next_attempt_at == row.due_at


def test_each_outcome_waits_by_its_own_count(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), retry=RETRY["retry"] | {"max_attempts": 9})
    waits = []
    for outcome in (Outcome.BUSY, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.NO_ANSWER):
        row = ended(ledger, one, outcome, clock())
        waits.append((row.due_at - clock()).total_seconds() / 60)
        one = dial_again(ledger, one.contact_id, now=clock.forward(3 * 3600))
    assert waits == [5, 30, 15, 120]
    assert ended(ledger, one, Outcome.BUSY, clock()).reason == "busy after 5 attempts"


def test_one_cap_holds_across_all_outcomes(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    for outcome in (Outcome.BUSY, Outcome.NO_ANSWER):
        assert ended(ledger, one, outcome, clock()).status == "pending"
        one = dial_again(ledger, one.contact_id, now=clock.forward(3600))
    row = ended(ledger, one, Outcome.FAILED, clock())
    assert (row.status, row.reason, row.attempts) == ("unreached", "failed after 3 attempts", 3)


def test_requests_that_placed_no_call_are_no_attempts(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), retry={"max_attempts": 2, "busy": ["5m"]})
    for verdict in (Verdict.NOT_PLACED, Verdict.THROTTLED, Verdict.NOT_PLACED):
        ruled(ledger, one, refused(verdict), clock())
        one = dial_again(ledger, one.contact_id, now=clock.forward(60))
    assert ended(ledger, one, Outcome.BUSY, clock()).status == "pending"
    one = dial_again(ledger, one.contact_id, now=clock.forward(600))
    assert ended(ledger, one, Outcome.BUSY, clock()).reason == "busy after 2 attempts"
    assert attempt(ledger, one.id).number == 5


@pytest.mark.parametrize("outcome", [Outcome.INVALID_NUMBER, Outcome.EXPIRED, Outcome.ANSWERED, Outcome.MACHINE])
def test_what_is_permanent_is_never_tried_again(ledger, clock, outcome):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    row = ended(ledger, one, outcome, clock())
    assert row.final_at is not None
    assert attempt(ledger, one.id).next_attempt_at is None


def test_without_a_retry_policy_each_contact_gets_one_call(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    row = ended(ledger, one, Outcome.BUSY, clock())
    assert (row.status, row.reason) == ("unreached", "busy after 1 attempt")


@pytest.mark.parametrize(("minutes", "status"), [(4, "unreached"), (5, "unreached"), (6, "pending")])
def test_a_retry_past_its_not_after_is_not_made(ledger, clock, minutes, status):
    limit = clock() + timedelta(minutes=minutes)
    (one,) = dialing(ledger, numbers(1), now=clock(), not_after=limit, **RETRY)
    row = ended(ledger, one, Outcome.BUSY, clock())
    assert row.status == status
    assert status == "pending" or row.reason == "busy; the next try would come after its not_after"


def test_a_retry_comes_in_the_same_part_of_the_day_where_another_would_come_after_its_not_after(ledger, clock):
    retry = {"max_attempts": 2, "no_answer": ["30m"], "other_part_of_day": ["no_answer"]}
    clock.now = clock().replace(hour=9)
    limit = clock().replace(hour=11)
    (one,) = dialing(ledger, numbers(1), now=clock(), not_after=limit, retry=retry)
    ledger.write(conclude, one, Ending(outcome=Outcome.NO_ANSWER, ended_at=clock()), now=clock())
    row = contact(ledger, one.contact_id)
    assert (row.status, row.due_at) == ("pending", clock() + timedelta(minutes=30))


def test_a_contact_whose_request_failed_until_its_not_after_has_expired(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), not_after=clock() + timedelta(seconds=20))
    ruled(ledger, one, refused(Verdict.THROTTLED, retry_after=60.0), clock())
    row = contact(ledger, one.contact_id)
    assert (row.status, row.reason) == ("expired", "no call was placed; the next try would come after its not_after")


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Outcome.BUSY, "cancelled"), (Outcome.ANSWERED, "reached"), (Outcome.REJECTED, "unreached")],
)
def test_a_call_in_progress_when_its_campaign_is_cancelled_is_not_left_pending(ledger, clock, outcome, status):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    control.cancel(ledger, one.campaign_id, who="test", now=clock())
    row = ended(ledger, one, outcome, clock.forward(10))
    assert row.status == status
    assert row.final_at is not None


@pytest.mark.parametrize(
    "verdict", [Verdict.NOT_PLACED, Verdict.THROTTLED, Verdict.HALT_CAMPAIGN, Verdict.HALT_ACCOUNT]
)
def test_a_request_that_failed_after_its_campaign_was_cancelled_is_not_made_again(ledger, clock, verdict):
    (one,) = dialing(ledger, numbers(1), now=clock())
    control.cancel(ledger, one.campaign_id, who="test", now=clock())
    ruled(ledger, one, refused(verdict), clock())
    row = contact(ledger, one.contact_id)
    assert (row.status, row.reason) == ("cancelled", "the campaign was cancelled; last: no call was placed")
    assert campaign_row(ledger, one.campaign_id).status == CampaignStatus.CANCELLED


# Calls that nobody knows of


def doubted(ledger, one, now, **facts):
    ruling = Ruling(verdict=Verdict.UNCONFIRMED, **facts)
    return ledger.write(doubt, fresh(ledger, one.id), ruling, settle_seconds=180.0, now=now)


UNHEARD = "nothing was heard of it"


def test_an_unknown_call_is_reported_and_not_dialed_again(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    doubted(ledger, one, clock())
    ending = Ending(outcome=Outcome.UNKNOWN, ended_at=clock(), detail=f"{UNHEARD} for 6.7 s", reason=UNHEARD)
    assert ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())
    row = contact(ledger, one.contact_id)
    assert (row.status, row.reason) == ("unknown", UNHEARD)
    assert attempt(ledger, one.id).detail == f"{UNHEARD} for 6.7 s"


def test_a_campaign_that_says_so_dials_unknown_calls_again_up_to_its_cap(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), on_unknown="redial", **RETRY)
    for spent in (1, 2):
        doubted(ledger, one, clock())
        ending = Ending(outcome=Outcome.UNKNOWN, ended_at=clock())
        ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())
        row = contact(ledger, one.contact_id)
        assert (row.status, row.attempts) == ("pending", spent), "it may have rung, so it counts"
        one = dial_again(ledger, one.contact_id, now=clock.forward(1))
    doubted(ledger, one, clock())
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=Outcome.UNKNOWN, ended_at=clock()), now=clock())
    assert contact(ledger, one.contact_id).status == "unknown"


def test_an_unconfirmed_attempt_keeps_the_call_id_it_was_given(ledger, clock):
    """With it, the provider can be asked what became of the call."""
    (one,) = dialing(ledger, numbers(1), now=clock())
    doubted(ledger, one, clock(), provider_call_id="m-1")
    assert attempt(ledger, one.id).provider_call_id == "m-1"


@pytest.mark.parametrize(("mnemonic", "said"), [("internal_error", True), (None, False)])
def test_only_the_providers_own_word_says_that_an_unconfirmed_attempt_failed(ledger, clock, mnemonic, said):
    (one,) = dialing(ledger, numbers(1), now=clock())
    assert not one.provider_said_it_failed
    doubted(ledger, one, clock(), mnemonic=mnemonic, code="-32603")
    assert fresh(ledger, one.id).provider_said_it_failed is said
    ledger.write(accept, fresh(ledger, one.id), "c-1", SETTINGS, now=clock())
    assert not fresh(ledger, one.id).provider_said_it_failed


def test_an_attempt_that_was_never_placed_is_made_again_and_does_not_count(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    doubted(ledger, one, clock(), mnemonic="internal_error", code="-32603")
    assert ledger.write(never_placed, fresh(ledger, one.id), "not in its list", now=clock(), rng=Random(1))
    made, row = attempt(ledger, one.id), contact(ledger, one.contact_id)
    assert (made.status, made.mnemonic, made.code) == ("not_placed", "internal_error", "-32603")
    assert (row.status, row.attempts) == ("pending", 0)
    assert row.due_at > clock()


def test_an_attempt_that_was_placed_after_all_cannot_be_called_never_placed(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    doubted(ledger, one, clock(), mnemonic="internal_error")
    stale = fresh(ledger, one.id)
    ledger.write(accept, stale, "c-1", SETTINGS, now=clock())
    assert not ledger.write(never_placed, stale, "not in its list", now=clock(), rng=Random(1))
    assert (attempt(ledger, one.id).status, contact(ledger, one.contact_id).status) == ("placed", "placed")


def test_a_late_answer_still_confirms_an_attempt_in_doubt(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    doubted(ledger, one, clock())
    ruled(ledger, one, PLACED, clock.forward(5))
    made = attempt(ledger, one.id)
    assert (made.status, made.counted, made.provider_call_id) == ("placed", True, "c-1")
    assert contact(ledger, one.contact_id).status == "placed"


def test_doubt_comes_too_late_for_an_attempt_that_was_answered(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    ruled(ledger, one, PLACED, clock())
    assert doubted(ledger, one, clock()) is False
    assert attempt(ledger, one.id).status == "placed"


def test_a_call_is_counted_once_however_often_it_is_accepted(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    assert ledger.write(accept, one, None, SETTINGS, now=clock())
    assert not ledger.write(accept, one, "c-1", SETTINGS, now=clock())
    assert not ledger.write(accept, one, "c-2", SETTINGS, now=clock())
    assert contact(ledger, one.contact_id).attempts == 1
    assert attempt(ledger, one.id).provider_call_id == "c-1", "the first id that was told stays"


def test_ending_twice_is_told_and_decides_once(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    row = ended(ledger, one, Outcome.BUSY, clock())
    again = Ending(outcome=Outcome.ANSWERED, ended_at=clock())
    assert not ledger.write(conclude, fresh(ledger, one.id), again, now=clock.forward(5))
    assert contact(ledger, one.contact_id) == row
    with ledger.reading() as db:
        assert reading.count_outcome(db, one.contact_id, Outcome.ANSWERED) == 0


# What told of it


def test_an_attempt_says_how_its_doubt_ended_and_what_told_of_its_end(ledger, clock):
    by_answer, by_receipt, by_nobody, undoubted = dialing(ledger, numbers(4), now=clock())
    for one in (by_answer, by_receipt, by_nobody):
        doubted(ledger, one, clock.forward(1))
    ruled(ledger, fresh(ledger, by_answer.id), PLACED, clock.forward(1))
    ledger.write(accept, fresh(ledger, by_receipt.id), "c-2", SETTINGS, now=clock(), witness=Witness.RECEIPT)
    ruled(ledger, undoubted, replace(PLACED, provider_call_id="c-4"), clock())
    for one, outcome, witness in (
        (by_answer, Outcome.ANSWERED, Witness.RECEIPT),
        (by_receipt, Outcome.BUSY, Witness.ASKING),
        (by_nobody, Outcome.UNKNOWN, Witness.SILENCE),
        (undoubted, Outcome.ANSWERED, Witness.LIST),
    ):
        ending = Ending(outcome=outcome, ended_at=clock(), witness=witness)
        ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())
    told = [attempt(ledger, one.id) for one in (by_answer, by_receipt, by_nobody, undoubted)]
    assert [(row.confirmed_by, row.ended_by) for row in told] == [
        ("answer", "receipt"),
        ("receipt", "asking"),
        (None, "silence"),
        (None, "list"),
    ]
    assert [row.doubted_at is not None for row in told] == [True, True, True, False]
