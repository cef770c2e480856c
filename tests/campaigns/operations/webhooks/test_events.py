"""Every move of a contact, an attempt and a campaign is told, in the transaction that makes it, whoever makes it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select, text, update

from campaigns.ledger import claims, deliveries, webhooks
from campaigns.ledger.moves import as_final, move_attempt, move_campaign, move_contact, pause
from campaigns.ledger.tables import campaigns, contacts
from campaigns.ledger.tables import deliveries as rows
from campaigns.lifecycle import AttemptStatus, CampaignStatus, ContactStatus, EventKind, PauseKind
from campaigns.operations import control
from campaigns.operations.erasure import erase
from campaigns.operations.webhooks.bodies import body_of
from campaigns.safeguards import unknown_alert
from campaigns.settlement.rulings import mark_unconfirmed, put_back_all
from dialer.deadline import utc_now
from dialer.phone import parse
from dialer.seldom import Seldom
from dialer.verdicts import Ruling, Verdict
from tests.support.seeding import contact, dialing, numbers, seed, sent
from tests.support.settling import refused, ruled

KINDS = list(EventKind)


def subscribe(ledger, name="all", kinds=KINDS, include=(), now=None):
    return ledger.write(webhooks.add, name, "https://example.org/hook", kinds, include, who="test", now=now)


def written(ledger, webhook="all"):
    with ledger.reading() as db:
        return db.execute(select(rows).where(rows.c.webhook == webhook).order_by(rows.c.id)).all()


def kinds(ledger, webhook="all"):
    return [row.kind for row in written(ledger, webhook)]


def bodies(ledger, clock, webhook="all"):
    """The bodies of what may be sent now, as they would be sent."""
    with ledger.reading() as db:
        hook = webhooks.webhook(db, webhook)
        events = deliveries.heads(db, webhook, clock(), 100, fresh_first=False)
    return [json.loads(body_of(event, hook.include)) for event in events]


def test_nothing_is_written_while_there_is_no_webhook(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    ruled(ledger, one, refused(Verdict.REFUSE_CONTACT), clock())
    control.cancel(ledger, one.campaign_id, who="ann", now=clock())
    assert written(ledger) == []


def test_a_webhook_is_told_of_what_it_asked_for_and_of_nothing_before_it(ledger, clock):
    first, second = dialing(ledger, numbers(2), now=clock())
    ruled(ledger, first, refused(Verdict.REFUSE_CONTACT), clock())
    subscribe(ledger, now=clock())
    subscribe(ledger, "contacts", [EventKind.CONTACT_FINISHED], now=clock())
    ruled(ledger, second, refused(Verdict.REFUSE_CONTACT), clock())
    assert kinds(ledger) == ["attempt.finished", "contact.finished"]
    assert kinds(ledger, "contacts") == ["contact.finished"]


def test_a_move_that_is_rolled_back_is_not_told(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    subscribe(ledger, now=clock())
    with ledger.engine.connect().execution_options(writes=True) as db:
        assert move_contact(db, one.contact_id, ContactStatus.UNKNOWN, clock(), reason="lost")
        db.rollback()
    assert written(ledger) == []


def test_an_attempt_and_its_contact_are_told_with_what_they_were_and_without_number_or_text(ledger, clock):
    subscribe(ledger, now=clock())
    (one,) = dialing(ledger, numbers(1), now=clock())
    ruled(ledger, one, refused(Verdict.REFUSE_CONTACT), clock())
    started, told = bodies(ledger, clock)  # the contact itself comes after its attempt
    assert started["type"] == "campaign.started"
    assert started["data"]["campaign"] == one.campaign_id
    assert told["type"] == "attempt.finished"
    assert told["timestamp"] == "2026-12-01T15:00:00.000Z"
    attempt = told["data"]["attempt"]
    assert (attempt["id"], attempt["status"], attempt["verdict"]) == (str(one.id), "not_placed", "refuse_contact")
    assert (attempt["number"], attempt["counted"], attempt["mnemonic"]) == (1, False, "its_word")
    assert attempt["dialing_at"] == "2026-12-01T15:00:00.000Z"
    assert told["data"]["contact"] == {"id": one.contact_id, "key": None, "line": 2}
    assert one.phone not in json.dumps(told)
    with ledger.writing() as db:
        waiting = [row.id for row in written(ledger) if row.kind == "attempt.finished"]
        deliveries.delivered(db, waiting, "204")
    _, told = bodies(ledger, clock)
    assert told["type"] == "contact.finished"
    assert told["data"]["contact"]["status"] == "refused"
    assert told["data"]["contact"]["reason"]
    assert [call["id"] for call in told["data"]["attempts"]] == [str(one.id)]
    assert told["data"]["rehearsal"] is False


def test_what_is_included_is_named_until_the_person_is_erased(ledger, clock):
    subscribe(ledger, include=["phone", "text", "fields"], kinds=[EventKind.CONTACT_FINISHED], now=clock())
    campaign_id = seed(ledger, numbers(1), now=clock(), text="Hello Ann.")
    with ledger.writing() as db:
        db.execute(update(contacts).values(fields={"name": "Ann"}))
    control.cancel(ledger, campaign_id, who="ann", now=clock())
    (told,) = bodies(ledger, clock)
    included = {name: told["data"]["contact"][name] for name in ("phone", "text", "fields")}
    assert included == {"phone": numbers(1)[0], "text": "Hello Ann.", "fields": {"name": "Ann"}}
    erase(ledger, parse(numbers(1)[0]), who="ann", now=clock())
    (told,) = bodies(ledger, clock)
    assert {name: told["data"]["contact"][name] for name in included} == {"phone": None, "text": None, "fields": {}}


def test_a_reason_with_somebodys_number_is_left_out(ledger, clock):
    subscribe(ledger, kinds=[EventKind.CONTACT_FINISHED], now=clock())
    (one,) = dialing(ledger, numbers(1), now=clock())
    ledger.write(move_contact, one.contact_id, ContactStatus.UNREACHED, clock(), reason="it said 14155550101")
    (told,) = bodies(ledger, clock)
    assert told["data"]["contact"]["reason"] is None


def test_all_contacts_that_one_statement_ends_are_told(ledger, clock):
    subscribe(ledger, kinds=[EventKind.CONTACT_FINISHED], now=clock())
    campaign_id = seed(ledger, numbers(30), now=clock())
    control.cancel(ledger, campaign_id, who="ann", now=clock())
    assert {row.facts["status"] for row in written(ledger)} == {"cancelled"}
    assert len({row.contact_id for row in written(ledger)}) == len({row.event_id for row in written(ledger)}) == 30


def test_who_expires_or_is_erased_while_waiting_is_told(ledger, clock):
    subscribe(ledger, kinds=[EventKind.CONTACT_FINISHED], now=clock())
    seed(ledger, numbers(2), now=clock(), not_after=clock())
    erase(ledger, parse(numbers(2)[0]), who="ann", now=clock())
    ledger.write(claims.expire, clock())
    assert [row.facts["status"] for row in written(ledger)] == ["suppressed", "expired"]


def test_a_retry_tells_of_the_attempt_and_not_of_the_contact(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    subscribe(ledger, now=clock())
    ruling = replace(refused(Verdict.NOT_SENT), mnemonic="too_late")
    with ledger.writing() as db:
        put_back_all(db, one.campaign_id, "main", [(sent(one), ruling)], now=clock(), rng=Random(1))
    assert contact(ledger, one.contact_id).status == "pending"
    assert kinds(ledger) == ["attempt.finished"]


def test_a_correction_is_told_again(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    subscribe(ledger, kinds=[EventKind.CONTACT_FINISHED], now=clock())
    ledger.write(move_contact, one.contact_id, ContactStatus.UNKNOWN, clock(), reason="nothing was heard")
    with ledger.writing() as db:
        reached = {"status": ContactStatus.REACHED, "reason": "answered", **as_final(clock())}
        db.execute(update(contacts).where(contacts.c.id == one.contact_id).values(**reached))
    assert [row.facts["status"] for row in written(ledger)] == ["unknown", "reached"]


def test_an_event_waits_since_it_was_written_or_replayed_whenever_it_happened(ledger, clock):
    """A call's end may be learnt hours late, and nothing is stuck for that."""
    (one,) = dialing(ledger, numbers(1), now=clock())
    subscribe(ledger, kinds=[EventKind.CONTACT_FINISHED], now=clock())
    yesterday = utc_now() - timedelta(days=1)
    ledger.write(move_contact, one.contact_id, ContactStatus.UNKNOWN, yesterday, reason="nothing was heard")
    (event,) = written(ledger)
    assert event.at == yesterday
    assert utc_now() - _oldest(ledger) < timedelta(minutes=1)
    ledger.write(deliveries.delivered, [event.id], "204")
    later = utc_now() + timedelta(days=1)
    ledger.write(deliveries.replay, "all", later, event_ids=[event.event_id])
    assert _oldest(ledger) == later


def _oldest(ledger):
    with ledger.reading() as db:
        return deliveries.backlogs(db)["all"].oldest


def test_a_campaign_is_told_of_from_its_start_to_its_end(ledger, clock):
    subscribe(ledger, now=clock())
    campaign_id = seed(ledger, numbers(1), now=clock())
    control.pause(ledger, campaign_id, who="ann", reason="lunch", now=clock())
    control.resume(ledger, campaign_id, who="ann", now=clock())
    control.cancel(ledger, campaign_id, who="ann", now=clock())
    of_campaign = [row for row in written(ledger) if row.contact_id is None]
    assert [row.kind for row in of_campaign] == [
        *("campaign.started", "campaign.paused", "campaign.resumed", "campaign.cancelled"),
    ]
    assert of_campaign[1].reason == "lunch"
    assert of_campaign[1].facts["pause_kind"] == "person"


@pytest.mark.parametrize(
    ("kind", "alert"),
    [("breaker", "breaker"), ("halted", "halt"), ("canary", "canary"), ("budget", "budget")],
)
def test_what_pauses_a_campaign_is_an_alert_once_an_hour(ledger, clock, kind, alert):
    campaign_id = seed(ledger, numbers(1), now=clock())
    subscribe(ledger, kinds=[one for one in EventKind if one.startswith("alert.")], now=clock())
    for minutes in (0, 10, 61):
        now = clock.forward(60 * minutes)
        ledger.write(pause, campaign_id, PauseKind(kind), now, reason=f"it was the {kind}")
        ledger.write(move_campaign, campaign_id, CampaignStatus.RUNNING, now, who="ann")
    assert kinds(ledger) == [f"alert.{alert}"] * 2
    assert written(ledger)[0].reason == f"it was the {kind}"


@pytest.mark.parametrize(("hold", "alert"), [("day_points", "day_limit"), ("budget", "budget")])
def test_a_day_that_is_used_up_is_an_alert_once_however_often_a_point_comes_back(ledger, clock, hold, alert):
    campaign_id = seed(ledger, numbers(1), now=clock())
    subscribe(ledger, now=clock())
    held = {"held_by": "day points", "hold_kind": hold, "held_until": clock(), "ticked_at": clock()}
    for facts in (held, dict.fromkeys(("held_by", "hold_kind", "held_until")), held):
        with ledger.writing() as db:
            db.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(**facts))
    (row,) = written(ledger)
    assert (row.kind, row.reason) == (f"alert.{alert}", "day points")
    (told,) = bodies(ledger, clock)
    assert told["data"]["held_until"] == "2026-12-01T15:00:00.000Z"


def test_too_many_unknown_calls_are_an_alert_once(ledger, clock, using, monkeypatch):
    monkeypatch.setattr(unknown_alert, "_looked", Seldom(0))
    opened = dialing(ledger, numbers(25), now=clock())
    subscribe(ledger, kinds=[EventKind.ALERT_UNKNOWN], now=clock())
    lost = {"outcome": "unknown", "ended_at": clock()}
    for one in opened[:10]:
        assert unknown_alert.alert_of_unknown(using, clock()) == 0, "fewer than ten"
        ledger.write(mark_unconfirmed, one, Ruling(verdict=Verdict.UNCONFIRMED), settle_seconds=9, now=clock())
        ledger.write(move_attempt, one.id, AttemptStatus.UNKNOWN, **lost)
    assert [unknown_alert.alert_of_unknown(using, clock()) for _ in range(2)] == [1, 0]
    (told,) = bodies(ledger, clock)
    assert (told["type"], told["data"]["unknown"], told["data"]["ended"]) == ("alert.unknown", 10, 10)


def test_the_triggers_are_there_after_an_upgrade(ledger):
    """A migration that makes one of these tables anew on SQLite drops its triggers, and must make them again."""
    of_store = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    }
    with ledger.reading() as db:
        names = set(db.scalars(text(of_store[db.dialect.name])))
    tallied = ("contacts", "attempts", "costs")
    tallies = {f"{table}_{what}" for table in tallied for what in ("changed", "added", "removed")}
    tallies |= {"contacts_responded", "contacts_response_removed"}
    events = {"event_of_attempt", "event_of_contact", "event_of_campaign", "alert_of_pause", "alert_of_hold"}
    assert names == tallies | events


def test_old_events_are_purged_and_what_waits_is_kept_for_a_month(ledger, clock):
    subscribe(ledger, kinds=[EventKind.CONTACT_FINISHED], now=clock())
    control.cancel(ledger, seed(ledger, numbers(3), now=clock()), who="ann", now=clock())
    taken, *_ = written(ledger)
    ledger.write(deliveries.delivered, [taken.id], "204")
    week, month = clock.forward(7 * 86400), clock.forward(24 * 86400)
    assert ledger.write(deliveries.purge, before=week, now=week) == 1
    assert ledger.write(deliveries.purge, before=month, now=month) == 2
