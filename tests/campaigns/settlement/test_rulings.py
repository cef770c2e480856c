"""What a provider's answer, or none, means for the attempt, its contact, its campaign and its account."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select, update

from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.tables import campaigns, suppressions
from campaigns.lifecycle import CampaignStatus
from campaigns.operations import control
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import PROVIDER_TRIES, accept, settle_not_placed
from dialer.calls import Outcome
from dialer.verdicts import Ruling, Verdict
from tests.support.seeding import attempt, campaign_row, contact, dial_again, dialing, fresh, numbers, seed
from tests.support.settling import PLACED, SETTINGS, doubted, refused, ruled

OWN_TEXT = {"message": {"tts": "Hello {{ name }}, this is a reminder of your appointment."}}


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


def test_a_contact_whose_request_failed_until_its_not_after_has_expired(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), not_after=clock() + timedelta(seconds=20))
    ruled(ledger, one, refused(Verdict.THROTTLED, retry_after=60.0), clock())
    row = contact(ledger, one.contact_id)
    assert (row.status, row.reason) == ("expired", "no call was placed; the next try would come after its not_after")


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
    assert ledger.write(settle_not_placed, fresh(ledger, one.id), "not in its list", now=clock(), rng=Random(1))
    made, row = attempt(ledger, one.id), contact(ledger, one.contact_id)
    assert (made.status, made.mnemonic, made.code) == ("not_placed", "internal_error", "-32603")
    assert (row.status, row.attempts) == ("pending", 0)
    assert row.due_at > clock()


def test_an_attempt_that_was_placed_after_all_cannot_be_called_never_placed(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    doubted(ledger, one, clock(), mnemonic="internal_error")
    stale = fresh(ledger, one.id)
    ledger.write(accept, stale, "c-1", SETTINGS, now=clock())
    assert not ledger.write(settle_not_placed, stale, "not in its list", now=clock(), rng=Random(1))
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


@pytest.mark.parametrize(("rehearsal", "listed"), [(False, 1), (True, 0)], ids=["in earnest", "rehearsal"])
def test_a_rehearsal_leaves_nothing_on_the_suppression_list(ledger, clock, rehearsal, listed):
    (one,) = dialing(ledger, numbers(1), now=clock())
    with ledger.writing() as db:
        db.execute(update(campaigns).values(rehearsal=rehearsal))
    ruled(ledger, one, refused(Verdict.SUPPRESS), clock())
    assert contact(ledger, one.contact_id).status == "suppressed"
    with ledger.reading() as db:
        assert db.scalar(select(func.count()).select_from(suppressions)) == listed
