"""An erased person is gone from the ledger, whatever was going on just then, and is never called again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress as suppress_error
from datetime import timedelta
from random import Random

import pytest
from alembic import command
from sqlalchemy import event, func, insert, inspect, select, update

from campaigns.launch.call_test_number import call_test_number
from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.launch.redial import CannotRedial, redial
from campaigns.ledger import migrations, queries
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.drafts import NewContact
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.numbers.suppressions import Suppression, suppress
from campaigns.ledger.receipts import Delivery, store
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, audit, campaigns, contacts, erasures, metadata, receipts
from campaigns.operations import suppression_list
from campaigns.operations.erasure import erase, finish_erasures
from campaigns.operations.suppression_files import exporting, importing
from campaigns.operations.suppression_list import entries_of
from campaigns.operations.sweep import sweep
from campaigns.reporting.csv_sheets import attempt_lines, contact_lines
from campaigns.reporting.listings import contacts_after, latest_attempts
from campaigns.settlement.corrections import correct
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.receipts import UNMATCHED_KEPT, apply_waiting, forget_unmatched
from campaigns.settlement.rulings import accept, rule
from dialer.calls import Outcome
from dialer.phone import parse
from dialer.receipts import summarize_receipts
from dialer.verdicts import Ruling, Verdict
from tests.campaigns.launch.test_launch import ACCOUNTS, UNTIL
from tests.campaigns.launch.test_launch import written as written_list
from tests.campaigns.settlement.test_receipts import ACCOUNT, receipt
from tests.support.delivering import receive
from tests.support.dialers import webex, working
from tests.support.lock_waits import deadlocks, until_it_waits
from tests.support.patience import PATIENCE
from tests.support.seeding import attempt, claim, contact, definition, dialing, fresh, numbers, open_all, seed
from tests.support.statuses import as_campaign

ANN, BOB = (parse(one) for one in numbers(2))
SECRET = "of Ann's"  # in everything that a person's row may say
PERSONAL = {"fields": {"name": SECRET}, "text": SECRET, "voice": {"voice": SECRET}, "consent": SECRET}


def known(ledger, now, **changes) -> str:
    """A running campaign with Ann, of whom everything is known that a list can say."""
    written = definition(**changes)
    facts = {"name": written.campaign, "account": "main", "definition_text": written.model_dump_json(), "now": now}
    campaign_id = ledger.write(drafts.create_draft, **facts)
    admit(ledger, campaign_id, now)
    start(ledger, campaign_id, now)
    return campaign_id


def admit(ledger, campaign_id, now) -> None:
    row = NewContact(line=2, phone=ANN.e164, zone="Europe/Paris", not_after=now + timedelta(days=60), **PERSONAL)
    ledger.write(drafts.add_contacts, campaign_id, [row], keyed_hash=ledger.keyed_hash, now=now)


def start(ledger, campaign_id, now) -> None:
    begun = {"zones": ["UTC"], "rejects": 0, "rejects_file": None, "who": "ann"}
    ledger.write(drafts.start, campaign_id, now=now, **begun)


def on_the_phone(ledger, now, **changes):
    """Ann's attempt, under way."""
    campaign_id = known(ledger, now, **changes)
    claim_id, ids = claim(ledger, campaign_id, 1, now=now)
    (opened,) = open_all(ledger, claim_id, ids, now=now)
    return fresh(ledger, opened)


def ended(ledger, one, clock, outcome=Outcome.ANSWERED, detail=SECRET) -> None:
    ending = Ending(outcome=outcome, ended_at=clock(), detail=detail)
    assert ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())


def everything(ledger) -> str:
    """Every cell of every table."""
    with ledger.reading() as db:
        return "\n".join(str(row) for table in metadata.sorted_tables for row in db.execute(select(table)))


def assert_gone(ledger) -> None:
    left = everything(ledger)
    assert ANN.digits not in left
    assert SECRET not in left
    assert "Europe/Paris" not in left


@pytest.fixture
def using(ledger, clock, redis_url) -> Iterator:
    with working(ledger, redis_url, {"main": webex()}, clock=clock) as parts:
        yield parts


def test_an_erased_person_leaves_a_hash_and_is_never_called_again(ledger, clock):
    ended(ledger, on_the_phone(ledger, clock()), clock)
    waiting = known(ledger, clock(), campaign="later")
    ledger.write(suppress, ANN.e164, reason=SECRET, source="ann", now=clock(), account="main")
    done = erase(ledger, ANN, who="ann", now=clock())
    assert (done.contacts, done.suppressions, done.in_progress) == (2, 1, 0)
    assert_gone(ledger)
    assert claim(ledger, waiting, 5, now=clock())[1] == []
    assert {line.reason for line in entries_of(ledger, ANN)} == {
        "on the list before it was erased",
        "erased at the person's wish",
    }
    assert {line.account for line in entries_of(ledger, ANN)} == {"", "main"}
    again = erase(ledger, ANN, who="ann", now=clock())
    assert (again.contacts, again.receipts, again.suppressions) == (0, 0, 0)


def test_an_erased_person_is_named_so_where_a_number_would_be_shown(ledger, clock):
    one = on_the_phone(ledger, clock())
    ended(ledger, one, clock)
    erase(ledger, ANN, who="ann", now=clock())
    with ledger.reading() as db:
        assert [line[3] for line in attempt_lines(db, one.campaign_id)] == ["erased"]
        assert [line[2] for line in contact_lines(db, one.campaign_id)] == ["erased"]
        (listed,) = latest_attempts(db, one.campaign_id, 5)
        (shown,) = contacts_after(db, one.campaign_id, status=None, after=0, limit=5)
    assert (listed.phone, shown.phone) == ("erased", "erased")


def test_an_erased_number_that_is_put_on_the_list_again_is_there_by_its_hash_only(ledger, clock, tmp_path):
    suppression_list.add(ledger, ANN, reason="asked us", who="ann", now=clock(), account="main")
    exporting.export_file(ledger, tmp_path / "before.csv")
    erase(ledger, ANN, who="ann", now=clock())
    facts = {"reason": "asked us", "who": "ann", "now": clock()}
    assert importing.import_file(ledger, tmp_path / "before.csv", country=None, **facts).known == 1
    assert not suppression_list.add(ledger, ANN, **facts)
    assert suppression_list.add(ledger, ANN, account="spare", **facts)
    assert {line.account for line in entries_of(ledger, ANN)} == {"", "main", "spare"}
    assert_gone(ledger)


def test_what_became_of_an_erased_person_still_counts(ledger, clock):
    one = on_the_phone(ledger, clock())
    ended(ledger, one, clock)
    erase(ledger, ANN, who="ann", now=clock())
    row = contact(ledger, one.contact_id)
    assert (row.status, row.reason, attempt(ledger, one.id).outcome) == ("reached", "answered", "answered")


def test_a_reason_in_the_providers_words_goes(ledger, clock):
    one = on_the_phone(ledger, clock())
    ruling = Ruling(verdict=Verdict.REFUSE_CONTACT, mnemonic="bad_parameter", detail=SECRET)
    ledger.write(rule, one, ruling, ACCOUNT, now=clock(), rng=Random(7))
    assert SECRET in contact(ledger, one.contact_id).reason
    erase(ledger, ANN, who="ann", now=clock())
    assert_gone(ledger)
    assert contact(ledger, one.contact_id).reason == "erased"


# Receipts


def test_a_receipt_that_belongs_to_no_attempt_and_names_the_number_is_emptied_and_no_other(ledger, clock):
    deliver_unmatched(ledger, clock, ANN, BOB)
    assert erase(ledger, ANN, who="ann", now=clock()).receipts == 1
    with ledger.reading() as db:
        assert set(db.scalars(select(receipts.c.body))) == {"erased", naming(BOB)}


def naming(*numbers_) -> str:
    return json.dumps([{"destination": one.digits, "at": 1764600000000} for one in numbers_])


def deliver_unmatched(ledger, clock, *numbers_) -> None:
    for place, one in enumerate(numbers_):
        told = receipt("BUSY", f"nobody's-{place}", None, clock())
        receive(ledger, "main", ACCOUNT, [told], naming(one), now=clock())


def test_receipts_that_had_stopped_looking_for_their_attempt_are_emptied_too(ledger, clock):
    deliver_unmatched(ledger, clock, ANN)
    clock.forward(UNMATCHED_KEPT.total_seconds() + 1)
    ledger.write(forget_unmatched, clock(), keyed_hash=ledger.keyed_hash)
    assert ANN.digits in everything(ledger)
    assert erase(ledger, ANN, who="ann", now=clock()).receipts == 1
    assert_gone(ledger)


def test_a_receipt_that_comes_after_the_erasure_and_belongs_to_no_attempt_is_emptied_within_a_day(ledger, clock):
    erase(ledger, ANN, who="ann", now=clock())
    deliver_unmatched(ledger, clock, ANN, BOB)
    clock.forward(UNMATCHED_KEPT.total_seconds() + 1)
    assert ledger.write(forget_unmatched, clock(), keyed_hash=ledger.keyed_hash) == 2
    with ledger.reading() as db:
        assert set(db.scalars(select(receipts.c.body))) == {"erased", naming(BOB)}


def test_a_body_that_told_of_several_calls_goes_with_each_of_them(ledger, clock):
    one = on_the_phone(ledger, clock())
    (other,) = dialing(ledger, [BOB.e164], now=clock(), campaign="bobs")
    for call, each in (("m-1", one), ("m-2", other)):
        ledger.write(accept, each, call, ACCOUNT, now=clock())
    heard = [receipt("BUSY", "m-1", one.id, clock()), receipt("ANSWERED", "m-2", other.id, clock())]
    receive(ledger, "main", ACCOUNT, heard, naming(ANN, BOB), now=clock())
    receive(ledger, "main", ACCOUNT, [receipt("BUSY", "m-2", other.id, clock())], naming(BOB), now=clock())
    ended(ledger, one, clock)
    assert erase(ledger, ANN, who="ann", now=clock()).receipts == 2
    assert_gone(ledger)
    assert naming(BOB) in everything(ledger)


@pytest.mark.parametrize("stored_before", [True, False])
def test_a_receipt_of_an_erased_persons_call_that_comes_late_is_applied_and_emptied(ledger, clock, stored_before):
    one = on_the_phone(ledger, clock())
    ledger.write(accept, one, "m-1", ACCOUNT, now=clock())
    ended(ledger, one, clock, Outcome.UNKNOWN)
    late = Delivery(account="main", heard=[receipt("ANSWERED", "m-1", one.id, clock())], body=SECRET)
    if stored_before:
        ledger.write(store, [late], now=clock())
    erase(ledger, ANN, who="ann", now=clock())
    if not stored_before:
        ledger.write(store, [late], now=clock())
    assert ledger.write(apply_waiting, "main", ACCOUNT, now=clock()) == 1
    assert_gone(ledger)
    assert contact(ledger, one.contact_id).status == "reached", "what it tells is heard all the same"


# On the phone just now


def test_a_person_on_the_phone_is_erased_by_the_sweep_when_the_call_has_ended(ledger, clock, using):
    one = on_the_phone(ledger, clock())
    ledger.write(accept, one, "m-1", ACCOUNT, now=clock())
    done = erase(ledger, ANN, who="ann", now=clock())
    assert (done.contacts, done.in_progress) == (0, 1)
    assert SECRET not in everything(ledger), "what was to be said has been said"
    assert sweep(using=using).erased == 0
    told = receipt("BUSY", "m-1", one.id, clock())
    receive(ledger, "main", ACCOUNT, [told], naming(ANN), now=clock())
    clock.forward(30)
    assert sweep(using=using).erased == 1
    assert_gone(ledger)
    assert contact(ledger, one.contact_id).status == "unreached"
    assert sweep(using=using).erased == 0
    with ledger.reading() as db:
        lines = db.execute(select(audit.c.who, audit.c.detail).where(audit.c.event == "erasure finished")).all()
        assert db.scalar(select(func.count()).select_from(erasures)) == 0
    assert lines == [("dialer", ledger.keyed_hash(ANN.e164))]


def test_a_person_erased_while_on_the_phone_is_not_tried_again(ledger, clock):
    one = on_the_phone(ledger, clock(), retry={"max_attempts": 2, "busy": ["5m"]})
    erase(ledger, ANN, who="ann", now=clock())
    ended(ledger, one, clock, Outcome.BUSY)
    clock.forward(301)
    claim_id, ids = claim(ledger, one.campaign_id, 5, now=clock())
    assert ids
    assert open_all(ledger, claim_id, ids, now=clock()) == set()
    assert finish_erasures(ledger, now=clock()) == 1
    assert_gone(ledger)
    assert contact(ledger, one.contact_id).status == "suppressed"


def test_what_the_provider_says_of_a_number_that_is_being_erased_is_emptied_too(ledger, clock):
    """It puts the number on our list, as the provider's blacklist has it, after the erasure was wished."""
    one = on_the_phone(ledger, clock())
    erase(ledger, ANN, who="ann", now=clock())
    ruling = Ruling(verdict=Verdict.SUPPRESS, mnemonic="contact_in_blacklist")
    ledger.write(rule, one, ruling, ACCOUNT, now=clock(), rng=Random(7))
    assert ANN.digits in everything(ledger)
    assert finish_erasures(ledger, now=clock()) == 1
    assert_gone(ledger)


def test_an_erasure_is_finished_once_however_many_sweep(ledger, clock):
    one = on_the_phone(ledger, clock())
    erase(ledger, ANN, who="ann", now=clock())
    ended(ledger, one, clock)
    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(finish_erasures, ledger, now=clock()) for _ in range(4)]
    assert sum(each.result() for each in done) == 1
    assert_gone(ledger)


def test_to_erase_again_while_the_call_goes_on_changes_nothing(ledger, clock):
    one = on_the_phone(ledger, clock())
    for _ in range(2):
        assert erase(ledger, ANN, who="ann", now=clock()).in_progress == 1
    ended(ledger, one, clock)
    assert erase(ledger, ANN, who="ann", now=clock()).contacts == 1
    assert finish_erasures(ledger, now=clock()) == 0
    assert_gone(ledger)


# On the way into the ledger


def test_a_number_erased_between_the_check_and_the_start_comes_in_emptied(ledger, clock):
    written = definition(campaign="new")
    facts = {"name": "new", "account": "main", "definition_text": written.model_dump_json(), "now": clock()}
    campaign_id = ledger.write(drafts.create_draft, **facts)
    erase(ledger, ANN, who="ann", now=clock())
    admit(ledger, campaign_id, clock())
    start(ledger, campaign_id, clock())
    assert_gone(ledger)
    with ledger.reading() as db:
        row = db.execute(select(contacts)).one()
    assert (row.status, row.phone, row.line) == ("suppressed", ledger.keyed_hash(ANN.e164), 2)


def test_a_number_erased_while_its_campaign_is_read_in_is_emptied_there(ledger, clock):
    written = definition(campaign="new")
    facts = {"name": "new", "account": "main", "definition_text": written.model_dump_json(), "now": clock()}
    campaign_id = ledger.write(drafts.create_draft, **facts)
    admit(ledger, campaign_id, clock())
    erase(ledger, ANN, who="ann", now=clock())
    start(ledger, campaign_id, clock())
    assert_gone(ledger)


def test_a_suppressed_number_that_was_not_erased_comes_in_as_it_is(ledger, clock):
    ledger.write(suppress, ANN.e164, reason="asked us", source="ann", now=clock())
    erase(ledger, BOB, who="ann", now=clock())
    known(ledger, clock())
    with ledger.reading() as db:
        row = db.execute(select(contacts)).one()
    assert (row.status, row.phone, row.fields) == ("suppressed", ANN.e164, {"name": SECRET})


@pytest.mark.parametrize("start_again", ["redial", "launch"])
def test_whoever_is_erased_while_a_campaign_starts_is_in_neither(ledger, clock, start_again):
    """The start waits for the erasure, or the erasure for the start: nobody slips between them."""
    one = on_the_phone(ledger, clock())
    ended(ledger, one, clock, Outcome.NO_ANSWER)
    with ledger.writing() as db:
        db.execute(update(queries.campaigns).values(**as_campaign("finished", clock())))
    begin: Callable[[], object] = lambda: redial(ledger, one.campaign_id, who="ann", now=clock())  # noqa: E731
    if start_again == "launch":
        begin = lambda: known(ledger, clock(), campaign="again")  # noqa: E731
    with ThreadPoolExecutor(2) as threads:
        begun, erased = threads.submit(begin), threads.submit(erase, ledger, ANN, who="ann", now=clock())
        erased.result(PATIENCE)
        with suppress_error(CannotRedial):  # the erasure was first, and there is nobody to call
            begun.result(PATIENCE)
    assert_gone(ledger)


def test_a_number_that_an_import_brings_while_it_is_erased_stands_there_by_its_hash_only(ledger, clock):
    """The import began before the erasure, and ends after it: the erasure waits for it."""
    line = Suppression(phone=ANN.e164, account="main", reason=SECRET, source="ann", added_at=clock(), expires_at=None)
    erased = threading.Thread(target=erase, args=(ledger, ANN), kwargs={"who": "ann", "now": clock()})
    with ledger.writing() as db:
        assert suppression_list.suppress_all(db, [line], ledger.hashes) == 1
        erased.start()
        until_it_waits(ledger, erased)
    erased.join(PATIENCE)
    assert_gone(ledger)
    assert {one.account for one in entries_of(ledger, ANN)} == {"", "main"}


def test_a_number_erased_while_a_part_of_the_list_with_it_is_read_in_is_no_erasure_without_end(ledger, clock):
    """Seen by half of the erasure only, the contact would be erased anew by every sweep."""
    written = definition(campaign="new")
    facts = {"name": "new", "account": "main", "definition_text": written.model_dump_json(), "now": clock()}
    campaign_id = ledger.write(drafts.create_draft, **facts)
    admitted = threading.Thread(target=admit, args=(ledger, campaign_id, clock()))

    def meanwhile(_connection, _cursor, statement, *_) -> None:
        if statement.startswith("UPDATE contacts SET status") and not admitted.ident:
            admitted.start()
            until_it_waits(ledger, admitted)

    event.listen(ledger.engine, "after_cursor_execute", meanwhile)
    erase(ledger, ANN, who="ann", now=clock())
    event.remove(ledger.engine, "after_cursor_execute", meanwhile)
    admitted.join(PATIENCE)
    start(ledger, campaign_id, clock())
    assert [finish_erasures(ledger, now=clock()) for _ in range(2)] == [0, 0]
    assert_gone(ledger)


# The store


def test_a_sqlite_file_does_not_keep_what_was_erased(tmp_path, clock):
    file = tmp_path / "ledger.sqlite3"
    ledger = Ledger(f"sqlite:///{file}")
    event.listen(ledger.engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA secure_delete=OFF").close())
    upgrade(ledger)
    seed(ledger, numbers(200, first=5), now=clock(), campaign="others")
    ended(ledger, on_the_phone(ledger, clock()), clock)
    deliver_unmatched(ledger, clock, ANN)
    erase(ledger, ANN, who="ann", now=clock())
    ledger.close()
    raw = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert ANN.digits.encode() not in raw
    assert SECRET.encode() not in raw


@pytest.fixture
def earlier(ledger_url) -> Iterator[Ledger]:
    """A ledger as the version before erasures kept it."""
    made, config = Ledger(ledger_url), migrations._config()
    with made.writing() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0008")
    yield made
    made.close()


def test_what_an_earlier_version_left_of_erased_people_goes_with_the_upgrade(earlier, clock):
    one = known_before(earlier, clock())
    upgrade(earlier)
    row = contact(earlier, one)
    assert (row.voice, row.zone, row.not_after, row.reason) == (None, "UTC", None, "erased")


def test_those_who_were_on_the_phone_when_an_earlier_version_erased_them_are_erased_after_the_upgrade(
    earlier, clock, tmp_path
):
    """That version asked for a second erasure when the call was over."""
    now = Ledger(f"sqlite:///{tmp_path / 'now.sqlite3'}")
    upgrade(now)
    one, other = (on_the_phone(now, clock(), campaign="calls"), dialing(now, [BOB.e164], now=clock())[0])
    copy_rows(now, earlier)
    now.close()
    earlier.write(suppress, earlier.keyed_hash(ANN.e164), reason="erased", source="ann", now=clock())
    upgrade(earlier)
    assert finish_erasures(earlier, now=clock()) == 0
    ended(earlier, one, clock)
    ended(earlier, other, clock, detail=None)
    assert finish_erasures(earlier, now=clock()) == 1
    assert_gone(earlier)
    assert contact(earlier, other.contact_id).phone == BOB.e164


def copy_rows(source: Ledger, old: Ledger) -> None:
    """The rows of a ledger as far as an older one has columns for them, but for the audit."""
    with source.reading() as now, old.writing() as db:
        for table in (campaigns, contacts, attempts):
            names = {column["name"] for column in inspect(db).get_columns(table.name)}
            for row in now.execute(select(*(table.c[name] for name in sorted(names)))).mappings():
                db.execute(insert(table).values(**row))


def known_before(ledger, now) -> int:
    with ledger.writing() as db:
        campaign_id = "old-1"
        columns = {"name": "old", "account": "main", "rehearsal": False, "status": "draft", "since": now, "zones": []}
        draft = insert(campaigns).values(id=campaign_id, **columns, definition="{}", created_at=now)
        db.execute(draft)
        facts = {"line": 2, "status": "refused", "reason": SECRET, "due_at": now, "fields": {}, "attempts": 0}
        left = {"phone": "hash:1", "zone": "Europe/Paris", "voice": {"voice": SECRET}, "not_after": now, "tries": 1}
        return db.execute(insert(contacts).values(campaign_id=campaign_id, **facts, **left)).inserted_primary_key[0]


def test_the_hash_is_nothing_without_the_key(tmp_path):
    one, other = (Ledger(f"sqlite:///{tmp_path / 'ledger'}", hash_key=key) for key in ("a", "b"))
    assert one.keyed_hash(ANN.e164) != other.keyed_hash(ANN.e164)
    assert one.keyed_hash(ANN.e164) == one.keyed_hash(ANN.e164)


def test_erasing_touches_nobody_else(ledger, clock):
    campaign_id = seed(ledger, [BOB.e164, ANN.e164], now=clock())
    before = bob(ledger, campaign_id)
    erase(ledger, ANN, who="ann", now=clock())
    assert bob(ledger, campaign_id) == before
    assert suppression_list.entries_of(ledger, BOB) == []


def bob(ledger, campaign_id):
    with ledger.reading() as db:
        mine = (contacts.c.campaign_id == campaign_id, contacts.c.phone == BOB.e164)
        return db.execute(select(contacts).where(*mine)).one()


# Nobody waits for another crosswise


def test_a_late_receipt_and_an_erasure_of_the_same_call_at_once_never_wait_for_each_other_crosswise(ledger, clock):
    one = on_the_phone(ledger, clock())
    ledger.write(accept, one, "m-1", ACCOUNT, now=clock())
    ended(ledger, one, clock, Outcome.UNKNOWN)
    late = [receipt("ANSWERED", "m-1", one.id, clock()), receipt("DISCONNECTED", "m-1", one.id, clock.forward(1))]
    erased = threading.Thread(target=erase, args=(ledger, ANN), kwargs={"who": "ann", "now": clock()})
    with deadlocks(ledger) as found:
        with ledger.writing() as db:
            (held,) = queries.attempts_by_id(db, [one.id], lock=True).values()
            erased.start()
            until_it_waits(ledger, erased)
            assert correct(db, held, summarize_receipts(late), speed=1.0, now=clock())
        erased.join(PATIENCE)
    assert found == []
    assert_gone(ledger)
    assert contact(ledger, one.contact_id).status == "reached"


def test_a_test_call_that_said_the_persons_text_to_somebody_else_is_emptied(ledger, clock, tmp_path):
    file = written_list(tmp_path, f"{ANN.e164},{SECRET},,{UNTIL}", f"{BOB.e164},Bob,,{UNTIL}")
    mine = parse("+12125550199")
    launch(ledger, check(file, ACCOUNTS), who="ann", now=clock())
    asked = {"test_numbers": [mine], "who": "ann", "now": clock()}
    test_calls = [call_test_number(ledger, file, ACCOUNTS, mine, line=line, **asked).id for line in (2, 3)]
    for test_call in test_calls:
        claim_id, ids = claim(ledger, test_call, 1, now=clock())
        assert open_all(ledger, claim_id, ids, now=clock())
    erase(ledger, ANN, who="ann", now=clock())
    assert_gone(ledger)
    with ledger.reading() as db:
        texts = db.scalars(select(contacts.c.text).where(contacts.c.campaign_id.in_(test_calls))).all()
    assert sorted(map(str, texts)) == ["Hello Bob, this is a reminder.", "None"]
