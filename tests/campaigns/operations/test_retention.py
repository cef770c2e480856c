"""What is known of people goes when its time is over, and nothing else changes: no figure, no gate, no audit."""

from __future__ import annotations

import os
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import func, select, update

from campaigns.launch.redial import CannotRedial, redial
from campaigns.ledger import tallies
from campaigns.ledger.audit_chain.chaining import chain_audit
from campaigns.ledger.audit_chain.verifying import verify
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.batches import Batches
from campaigns.ledger.lists.drafts import NewContact
from campaigns.ledger.moves import move_contact, write_audit
from campaigns.ledger.numbers.frequency_caps import cap_clears_at
from campaigns.ledger.receipts import Delivery, store
from campaigns.ledger.tables import attempts, audit, audit_chain, campaigns, contacts, metadata, receipts
from campaigns.lifecycle import ContactStatus
from campaigns.operations import control
from campaigns.operations.erasure import erase
from campaigns.operations.retention.emptying import run, run_daily
from campaigns.operations.retention.kept_until import KeptUntil, kept_until
from campaigns.operations.retention.plans import make_plan
from campaigns.operations.suppression_list import add
from campaigns.reporting.explain import explain_contact
from campaigns.reporting.report import report, totals
from campaigns.retention_periods import InstallationRetention, Kept
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.receipts import apply_waiting
from campaigns.settlement.rulings import rule
from dialer.calls import Outcome
from dialer.phone import parse
from dialer.verdicts import Ruling, Verdict
from tests.campaigns.settlement.test_receipts import ACCOUNT, receipt
from tests.support.fixtures import START
from tests.support.seeding import attempt, claim, contact, definition, fresh, numbers, open_all, seed
from tests.support.statements import statements

SECRET = "of theirs"
PERSONAL = {"fields": {"name": SECRET}, "text": SECRET, "voice": {"voice": SECRET}, "consent": SECRET}
ALL = InstallationRetention.model_validate(
    {"contacts": "90d", "texts": "30d", "receipts": "30d", "reports": "30d", "audit": "2y"}
)
NOTHING = InstallationRetention()
CAP = definition(frequency={"per_number": "1/31d"}).caps


def known(ledger, phones, now, **changes) -> str:
    """A running campaign with people of whom everything is known that a list can say."""
    written = definition(**changes)
    facts = {"name": written.campaign, "account": "main", "definition_text": written.model_dump_json(), "now": now}
    campaign_id = ledger.write(drafts.create_draft, **facts)
    rows = [
        NewContact(line=line, phone=phone, zone="Europe/Paris", not_after=now + timedelta(days=5), **PERSONAL)
        for line, phone in enumerate(phones, start=2)
    ]
    ledger.write(drafts.add_contacts, campaign_id, rows, keyed_hash=ledger.keyed_hash, now=now)
    begun = {"zones": ["UTC"], "rejects": 0, "rejects_file": None, "who": "ann"}
    ledger.write(drafts.start, campaign_id, now=now, **begun)
    return campaign_id


def called(ledger, campaign_id, now, rng=None) -> None:
    """Everybody of it is called once, each ends in some way, and the campaign is over."""
    rng = rng or Random(3)
    claim_id, ids = claim(ledger, campaign_id, 1000, now=now)
    for number, attempt_id in enumerate(sorted(open_all(ledger, claim_id, ids, now=now))):
        if rng.randrange(4) == 0:
            ruling = Ruling(verdict=Verdict.REFUSE_CONTACT, mnemonic="bad_parameter", detail=SECRET)
            ledger.write(rule, fresh(ledger, attempt_id), ruling, ACCOUNT, now=now, rng=rng)
            continue
        told = receipt("OFFERED", f"c-{campaign_id}-{number}", attempt_id, now)
        ledger.write(store, [Delivery(account="main", heard=[told], body=f"{SECRET} {number}")], now=now)
        ledger.write(apply_waiting, "main", ACCOUNT, now=now)
        outcome = rng.choice([Outcome.ANSWERED, Outcome.NO_ANSWER, Outcome.BUSY])
        ending = Ending(outcome=outcome, ended_at=now, detail=SECRET)
        assert ledger.write(conclude, fresh(ledger, attempt_id), ending, now=now)
    over(ledger, campaign_id, now)


def over(ledger, campaign_id, now) -> None:
    """As the sweep ends it; whoever is left is cancelled."""
    with ledger.writing() as db:
        db.execute(
            update(contacts)
            .where(contacts.c.campaign_id == campaign_id, contacts.c.final_at.is_(None))
            .values(status=ContactStatus.CANCELLED, reason="the campaign was cancelled", final_at=now, claim=None)
        )
        db.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(status="finished", finished_at=now))


def everything(ledger) -> str:
    with ledger.reading() as db:
        tables = [table for table in metadata.sorted_tables if table not in (audit, audit_chain, campaigns)]
        return "\n".join(str(row) for table in tables for row in db.execute(select(table)))


def figures(ledger, campaign_id):
    """What a report says, with one word for the reasons that others wrote."""
    facts = totals(ledger, campaign_id)
    reasons = {}
    for status, reason, number in facts.reasons:
        word = "" if status in ("refused", "withdrawn", "suppressed") else reason
        reasons[status, word] = reasons.get((status, word), 0) + number
    return facts.contacts, facts.final, facts.open, reasons, facts.outcomes, facts.ended_by, facts.attempts


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "reports"


def test_each_kind_goes_when_its_time_is_over_and_the_figures_stay(ledger, folder):
    campaign_id = known(ledger, numbers(12), START)
    called(ledger, campaign_id, START)
    before = figures(ledger, campaign_id)
    assert run(ledger, ALL, folder, now=START + timedelta(days=29)).contacts == 0
    assert everything(ledger).count(SECRET) > 50
    texts = run(ledger, ALL, folder, now=START + timedelta(days=30))
    assert (texts.texts, texts.receipts > 5, texts.contacts) == (12, True, 0)
    with ledger.reading() as db:
        assert db.scalars(select(contacts.c.text).distinct()).all() == [None]
        assert db.scalars(select(receipts.c.body).distinct()).all() == ["erased"]
        assert "+1415" in str(db.execute(select(contacts.c.phone)).all())
    assert run(ledger, ALL, folder, now=START + timedelta(days=90)).contacts == 12
    left = everything(ledger)
    assert (SECRET in left, "+1415" in left, "Europe/Paris" in left) == (False, False, False)
    assert figures(ledger, campaign_id) == before
    with ledger.snapshot() as db:
        assert tallies.differences(db) == []
    again = run(ledger, ALL, folder, now=START + timedelta(days=91))
    assert (again.contacts, again.texts, again.receipts, again.campaigns) == (0, 0, 0, 0)


def test_a_campaign_may_keep_its_own_for_another_time(ledger, folder):
    short = known(ledger, numbers(2), START, campaign="short", retention={"contacts": "31d"})
    long = known(ledger, numbers(2), START, campaign="long", retention={"contacts": "forever"})
    for campaign_id in (short, long):
        called(ledger, campaign_id, START)
    assert run(ledger, NOTHING, folder, now=START + timedelta(days=31)).contacts == 2
    assert run(ledger, ALL, folder, now=START + timedelta(days=1000)).contacts == 0
    with ledger.reading() as db:
        kept = select(contacts.c.campaign_id).where(contacts.c.phone.startswith("+")).distinct()
        assert db.scalars(kept).all() == [long]


def test_without_a_period_nothing_ever_goes(ledger, folder):
    called(ledger, known(ledger, numbers(3), START), START)
    before = everything(ledger)
    assert run(ledger, NOTHING, folder, now=START + timedelta(days=9999)).contacts == 0
    assert everything(ledger) == before


def test_who_may_still_be_called_or_spoken_to_is_left_alone(ledger, folder):
    """Live, paused, on the line: none of it is over, however old it is."""
    running = known(ledger, numbers(3), START, campaign="running")
    paused = known(ledger, numbers(3), START, campaign="paused")
    control.pause(ledger, paused, who="ann", now=START)
    talking = known(ledger, numbers(3), START, campaign="talking")
    claim_id, ids = claim(ledger, talking, 3, now=START)
    open_all(ledger, claim_id, ids, now=START)
    before = everything(ledger)
    later = START + timedelta(days=999)
    assert run(ledger, ALL, folder, now=later).contacts == 0
    assert everything(ledger) == before
    with ledger.writing() as db:  # as if it had ended around a call on the line
        db.execute(update(campaigns).where(campaigns.c.id == talking).values(status="finished", finished_at=START))
    assert run(ledger, ALL, folder, now=later).contacts == 0
    assert {each.campaign for each in make_plan(ledger, ALL, folder, now=later).campaigns} == {talking}
    assert everything(ledger).count(SECRET) == before.count(SECRET)
    assert running


def test_the_list_of_a_redial_keeps_the_one_before_it(ledger, folder):
    campaign_id = known(ledger, numbers(8), START)
    called(ledger, campaign_id, START)
    again = redial(ledger, campaign_id, ["no_answer", "busy"], who="ann", now=START + timedelta(days=20))
    assert run(ledger, ALL, folder, now=START + timedelta(days=500)).contacts == 0
    over(ledger, again.id, START + timedelta(days=500))
    assert run(ledger, ALL, folder, now=START + timedelta(days=589)).contacts == 0
    assert run(ledger, ALL, folder, now=START + timedelta(days=590)).campaigns == 2


def test_contacts_of_a_standing_campaign_go_from_their_own_end(ledger, folder):
    campaign_id = known(ledger, numbers(3), START, contacts={"standing": True})
    with ledger.reading() as db:
        early, late, waiting = db.scalars(select(contacts.c.id).order_by(contacts.c.id))
    for contact_id, days in ((early, 0), (late, 50)):
        ended_at = START + timedelta(days=days)
        ledger.write(move_contact, contact_id, ContactStatus.CANCELLED, ended_at, reason="the campaign was cancelled")
    before = figures(ledger, campaign_id)
    (plan,) = make_plan(ledger, ALL, folder, now=START + timedelta(days=89)).campaigns
    assert (plan.ended_at, plan.due) == (None, {Kept.TEXTS: 2})
    assert plan.until[Kept.CONTACTS] == START + timedelta(days=90)
    night = run(ledger, ALL, folder, now=START + timedelta(days=90))
    assert (night.contacts, night.texts) == (1, 2)
    left = [contact(ledger, each) for each in (early, late, waiting)]
    assert [row.phone.startswith("+") for row in left] == [False, True, True]
    assert [row.text for row in left] == [None, None, SECRET]
    assert run(ledger, ALL, folder, now=START + timedelta(days=139)).contacts == 0
    assert run(ledger, ALL, folder, now=START + timedelta(days=140)).contacts == 1
    assert figures(ledger, campaign_id) == before
    over(ledger, campaign_id, START + timedelta(days=200))
    assert run(ledger, ALL, folder, now=START + timedelta(days=289)).contacts == 0
    assert run(ledger, ALL, folder, now=START + timedelta(days=290)).contacts == 1
    assert make_plan(ledger, ALL, folder, now=START + timedelta(days=290)).campaigns == []


def test_it_is_said_until_when_a_contact_is_kept(ledger, folder):
    """As `dialer explain` shows it: while it waits, once its campaign or itself has ended, and when it is gone."""
    listed, standing = (
        known(ledger, numbers(1), START, campaign=name, **changes)
        for name, changes in (("listed", {}), ("standing", {"contacts": {"standing": True}}))
    )

    def said(campaign_id, general=ALL):
        return kept_until(ledger, explain_contact(ledger, campaign_id, parse(numbers(1)[0]), now=START), general)

    assert said(listed) == KeptUntil(kept_until=None, kept="for 90 days after the campaign's end, redials included")
    assert said(standing) == KeptUntil(kept_until=None, kept="for 90 days after its own end")
    assert said(listed, NOTHING).kept == "until somebody erases it: no retention of contacts is set"
    over(ledger, listed, START)
    with ledger.reading() as db:
        (own,) = db.scalars(select(contacts.c.id).where(contacts.c.campaign_id == standing))
    ledger.write(move_contact, own, ContactStatus.CANCELLED, START, reason="the campaign was cancelled")
    assert said(listed).kept_until == said(standing).kept_until == START + timedelta(days=90)
    run(ledger, ALL, folder, now=START + timedelta(days=90))
    erase(ledger, parse(numbers(1)[0]), who="ann", now=START)  # so that it is found by its hash
    assert said(listed).kept == "nothing that names the person is kept any more"


def test_nobody_is_called_again_whose_text_or_number_is_gone(ledger, folder):
    campaign_id = known(ledger, numbers(8), START)
    called(ledger, campaign_id, START)
    for days in (30, 90):
        run(ledger, ALL, folder, now=START + timedelta(days=days))
        with pytest.raises(CannotRedial):
            redial(ledger, campaign_id, ["no_answer", "busy"], who="ann", now=START + timedelta(days=days))


def test_an_emptied_number_is_called_by_later_campaigns_unless_it_was_erased_or_suppressed(ledger, folder):
    phones = numbers(3)
    campaign_id = known(ledger, phones, START)
    called(ledger, campaign_id, START)
    later = START + timedelta(days=90)
    run(ledger, ALL, folder, now=later)
    add(ledger, parse(phones[0]), reason="asked us", who="ann", now=later)
    assert erase(ledger, parse(phones[1]), who="ann", now=later).in_progress == 0
    following = seed(ledger, phones, now=later, campaign="following")
    called_now = {contact(ledger, each).phone for each in claim(ledger, following, 5, now=later)[1]}
    assert called_now == {phones[2]}


def test_no_call_that_a_cap_counts_is_forgotten(ledger, folder):
    """The shortest period that a list may have is the longest that a cap may look back."""
    (phone,) = numbers(1)
    campaign_id = known(ledger, [phone], START, retention={"contacts": "31d"})
    claim_id, ids = claim(ledger, campaign_id, 1, now=START)
    (one,) = open_all(ledger, claim_id, ids, now=START)
    ledger.write(conclude, fresh(ledger, one), Ending(outcome=Outcome.ANSWERED, ended_at=START), now=START)
    over(ledger, campaign_id, START + timedelta(minutes=1))
    for moment in (timedelta(days=30, hours=23), timedelta(days=31), timedelta(days=31, minutes=1)):
        run(ledger, ALL, folder, now=START + moment)
        with ledger.reading() as db:
            holds = cap_clears_at(db, phone, CAP, START + moment, rehearsal=False)
        assert (holds is not None) == (moment < timedelta(days=31))


@pytest.mark.parametrize("days", [30, 90])
def test_a_receipt_that_comes_after_it_is_applied_and_emptied(ledger, folder, days):
    campaign_id = known(ledger, numbers(1), START)
    called(ledger, campaign_id, START)
    now = START + timedelta(days=days)
    run(ledger, ALL, folder, now=now)
    with ledger.reading() as db:
        (attempt_id,) = db.scalars(select(attempts.c.id))
    heard = receipt("ANSWERED", f"c-{campaign_id}-0", attempt_id, START)
    ledger.write(store, [Delivery(account="main", heard=[heard], body=SECRET)], now=now)
    ledger.write(apply_waiting, "main", ACCOUNT, now=now)
    with ledger.reading() as db:
        assert db.scalars(select(receipts.c.body)).all() == ["erased", "erased"]
    assert attempt(ledger, attempt_id).status in ("ended", "not_placed")


def test_a_body_that_tells_of_calls_of_two_campaigns_goes_with_the_first(ledger, folder):
    first = known(ledger, numbers(1), START, campaign="first", retention={"contacts": "31d"})
    second = known(ledger, numbers(1, first=1), START, campaign="second")
    told = []
    for campaign_id in (first, second):
        claim_id, ids = claim(ledger, campaign_id, 1, now=START)
        (one,) = open_all(ledger, claim_id, ids, now=START)
        told.append(receipt("OFFERED", f"c-{campaign_id}", one, START))
    ledger.write(store, [Delivery(account="main", heard=told, body=SECRET)], now=START)
    ledger.write(apply_waiting, "main", ACCOUNT, now=START)
    with ledger.writing() as db:
        db.execute(update(receipts).values(pressed=["1"]))
    for one in told:
        ending = Ending(outcome=Outcome.ANSWERED, ended_at=START)
        ledger.write(conclude, fresh(ledger, one.correlation_id), ending, now=START)
    over(ledger, first, START)
    over(ledger, second, START)
    run(ledger, NOTHING, folder, now=START + timedelta(days=31))
    with ledger.reading() as db:
        rows = db.execute(select(receipts.c.body, receipts.c.pressed).order_by(receipts.c.id)).all()
    assert rows == [("erased", None), ("erased", ["1"])], "what the other has pressed stays until their time is over"


def test_receipts_of_no_call_of_ours_go_by_their_age(ledger, folder):
    heard = [receipt("OFFERED", "nobody's", None, START)]
    ledger.write(store, [Delivery(account="main", heard=heard, body=SECRET)], now=START)
    assert make_plan(ledger, ALL, folder, now=START + timedelta(days=31)).unmatched == 1
    assert run(ledger, ALL, folder, now=START + timedelta(days=29)).receipts == 0
    assert run(ledger, ALL, folder, now=START + timedelta(days=31)).receipts == 1
    assert SECRET not in everything(ledger)


def test_files_go_by_their_age_but_not_those_of_a_campaign_that_goes_on(ledger, folder):
    ended, live = (known(ledger, numbers(2), START, campaign=name) for name in ("ended", "live"))
    called(ledger, ended, START)
    for campaign_id in (ended, live):
        report(ledger, campaign_id, folder)
    for name in ("ended-rejects.csv", "live-1-rejects.csv", "checked-rejects.csv", "mine.csv"):
        (folder / name).write_text("phone\n")
    for file in folder.iterdir():
        os.utime(file, (START.timestamp(), START.timestamp()))
    plan = make_plan(ledger, ALL, folder, now=START + timedelta(days=29))
    assert plan.files == []
    assert {file.name for file in plan.later} >= {"ended-1-contacts.csv", "checked-rejects.csv"}
    result = run(ledger, ALL, folder, now=START + timedelta(days=30))
    assert result.left == []
    left = {file.name for file in folder.iterdir()}
    assert left == {
        "live-1-contacts.csv",
        "live-1-attempts.csv",
        "live-1-rejects.csv",
        "mine.csv",
    }


def test_old_lines_of_the_audit_go_and_the_rest_verifies(ledger, folder):
    for days in range(5):
        ledger.write(write_audit, START + timedelta(days=days), who="ann", event="number shown")
    chain_audit(ledger)
    now = START + timedelta(days=730 + 2)
    assert make_plan(ledger, ALL, folder, now=now).audit == 2
    assert run(ledger, ALL, folder, now=now).audit == 2
    result = verify(ledger)
    assert (result.fault, result.chained, result.removed) == (None, 3, 2)


def test_the_night_is_done_once_with_one_line_whoever_asks(ledger, folder):
    called(ledger, known(ledger, numbers(3), START), START)
    night = (START + timedelta(days=91)).replace(hour=3, minute=0)
    facts = {"seconds": 60.0}
    assert run_daily(ledger, ALL, folder, now=night - timedelta(hours=1), **facts) is not None  # last night's
    assert run_daily(ledger, ALL, folder, now=night - timedelta(minutes=1), **facts) is None
    assert run_daily(ledger, ALL, folder, now=night + timedelta(minutes=10), **facts) is not None
    assert run_daily(ledger, ALL, folder, now=night + timedelta(minutes=20), **facts) is None
    assert run_daily(ledger, ALL, folder, now=night + timedelta(days=3), **facts) is not None
    with ledger.reading() as db:
        lines = db.execute(select(audit.c.who, audit.c.detail).where(audit.c.event == "retention").order_by(audit.c.id))
        assert [tuple(line) for line in lines] == [
            ("dialer", "3 contacts"),
            ("dialer", "nothing was due"),
            ("dialer", "nothing was due"),
        ]


def test_a_night_that_takes_longer_goes_on_at_the_next_tick_and_has_one_line(ledger, folder):
    for name in ("a", "b", "c"):
        called(ledger, known(ledger, numbers(2), START, campaign=name), START)
    now = (START + timedelta(days=91)).replace(hour=4)
    results = [run_daily(ledger, ALL, folder, now=now + timedelta(minutes=n), seconds=-1.0) for n in range(2)]
    assert [result.finished for result in results if result] == [False, False]
    assert run_daily(ledger, ALL, folder, now=now + timedelta(minutes=9), seconds=60.0).finished
    with ledger.reading() as db:
        assert db.scalars(select(audit.c.detail).where(audit.c.event == "retention")).all() == ["6 contacts"]


def test_a_batch_takes_the_same_few_statements_however_many_it_empties(ledger, folder):
    counts = []
    for name, size in (("few", 5), ("many", 50)):
        called(ledger, known(ledger, numbers(size), START, campaign=name), START)
        batches = Batches(size=100, clock=lambda: 0.0)
        with statements(ledger) as asked:
            run(ledger, ALL, folder, now=START + timedelta(days=90), batches=batches)
        counts.append(len(asked))
        assert len(batches.held) == 4  # the receipts, the contacts, the note, the audit
    assert max(counts) < 45


@pytest.mark.parametrize("seed_of_all", range(3))
def test_whatever_happened_before_figures_caps_and_audit_are_what_they_were(ledger, folder, seed_of_all):
    """Campaigns of all ages, redials, withdrawals, erasures, receipts; a run at any moment, stopped anywhere."""
    rng = Random(seed_of_all)
    phones = numbers(20)
    ids, now = [], START
    for number in range(6):
        now += timedelta(days=rng.randrange(1, 40))
        own = rng.choice([{}, {}, {"retention": {"contacts": rng.choice(["31d", "60d", "forever"])}}])
        ids.append(known(ledger, rng.sample(phones, 8), now, campaign=f"c{number}", **own))
        if rng.random() < 0.8:
            called(ledger, ids[-1], now, rng)
        if rng.random() < 0.3:
            erase(ledger, parse(rng.choice(phones)), who="ann", now=now)
    before = {campaign_id: figures(ledger, campaign_id) for campaign_id in ids}
    waiting = set(_pending(ledger))
    chain_audit(ledger)
    while now < START + timedelta(days=400):
        run(ledger, ALL, folder, now=now, seconds=rng.choice([None, -1.0]), batches=None)
        now += timedelta(days=rng.randrange(1, 90))
    run(ledger, ALL, folder, now=now)
    assert {campaign_id: figures(ledger, campaign_id) for campaign_id in ids} == before
    assert set(_pending(ledger)) == waiting
    with ledger.snapshot() as db:
        assert tallies.differences(db) == []
        named = select(func.count()).select_from(contacts).join(campaigns, campaigns.c.id == contacts.c.campaign_id)
        ended = (campaigns.c.status == "finished", contacts.c.phone.startswith("+"))
        forever = campaigns.c.definition.contains("forever")
        assert db.scalar(named.where(*ended, ~forever)) == 0
    assert verify(ledger).fault is None


def _pending(ledger):
    with ledger.reading() as db:
        return db.scalars(select(contacts.c.id).where(contacts.c.status == "pending")).all()
