"""The suppression list as people use it, and the erasing of a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select

from campaigns import suppression
from campaigns.endings import Ending, conclude
from campaigns.erasing import erase
from campaigns.ledger import admission
from campaigns.ledger.admission import Admitted
from campaigns.ledger.store import Ledger
from campaigns.ledger.suppressions import suppress
from campaigns.ledger.tables import attempts, audit, contacts, receipts, suppressions
from campaigns.suppression import NoNumbers, add, export_file, import_file, remove, why
from dialer.calls import Outcome
from dialer.phone import parse
from tests.campaigns.seeding import claim, definition, dialing, fresh, numbers, open_all, seed

ANN, BOB, CAT, DAN = (parse(one) for one in numbers(4))
BY = {"reason": "asked us", "who": "ann"}


def test_a_number_is_added_explained_and_removed_with_a_line_that_says_by_whom(ledger, clock):
    assert add(ledger, ANN, now=clock(), **BY)
    assert not add(ledger, ANN, now=clock(), **BY)
    (line,) = why(ledger, ANN)
    assert (line.account, line.reason, line.source, line.added_at) == ("", "asked us", "ann", clock())
    assert remove(ledger, ANN, who="bob", now=clock())
    assert not remove(ledger, ANN, who="bob", now=clock())
    assert why(ledger, ANN) == []
    with ledger.reading() as db:
        (said,) = db.execute(select(audit).where(audit.c.event == "suppression removed"))
    assert (said.who, said.detail) == ("bob", ANN.masked)


@pytest.mark.parametrize(
    ("text", "added", "bad"),
    [
        ("phone,reason\n+14155550101,moved away\n(415) 555-0102,\n+1415,\n", 2, [4]),
        ("+14155550101\n+14155550102\n", 2, []),  # numbers and nothing else
        ("Number;Name\n+14155550101;Ann\n", 1, []),
        ("phone\n+14155550101\n+1 415 555 01 01\n", 1, []),  # the same twice
    ],
)
def test_a_list_is_imported_however_it_is_written(ledger, clock, tmp_path, text, added, bad):
    (tmp_path / "list.csv").write_text(text)
    done = import_file(ledger, tmp_path / "list.csv", country="US", now=clock(), **BY)
    assert (done.added, [one.line for one in done.rejects]) == (added, bad)
    assert why(ledger, parse("+14155550101"))[0].reason == ("moved away" if "moved" in text else "asked us")


def test_a_list_without_a_column_of_numbers_is_named(ledger, clock, tmp_path):
    (tmp_path / "list.csv").write_text("name,street\nAnn,Main\n")
    with pytest.raises(NoNumbers, match="no column is named phone or number"):
        import_file(ledger, tmp_path / "list.csv", country=None, now=clock(), **BY)


def test_what_is_exported_is_imported_as_it_stood(ledger, clock, tmp_path):
    add(ledger, ANN, now=clock(), **BY)
    add(ledger, BOB, now=clock(), account="spare", expires_at=clock() + timedelta(days=2), **BY)
    erase(ledger, CAT, who="cat", now=clock())
    add(ledger, DAN, now=clock(), expires_at=clock() + timedelta(days=1), **BY)
    before = [why(ledger, one) for one in (ANN, BOB, CAT)]
    assert export_file(ledger, tmp_path / "list.csv") == 4
    with ledger.writing() as db:
        db.execute(delete(suppressions))
    clock.forward(86400)
    facts = {"country": None, "who": "eve", "reason": "a restored list", "now": clock()}
    done = import_file(ledger, tmp_path / "list.csv", **facts)
    assert (done.added, done.known, done.expired, done.rejects) == (3, 0, 1, ())
    assert [why(ledger, one) for one in (ANN, BOB, CAT)] == before
    assert why(ledger, DAN) == []
    assert import_file(ledger, tmp_path / "list.csv", **facts).known == 3


def test_of_an_exported_list_what_cannot_be_read_is_named_and_the_rest_goes_in(ledger, clock, tmp_path):
    add(ledger, ANN, now=clock(), **BY)
    export_file(ledger, tmp_path / "list.csv")
    with (tmp_path / "list.csv").open("a", encoding="utf-8") as file:
        file.write('"+14155550102","","","","","tomorrow"\n"hash:12","","","","",""\n"+14155550103","","","","",""\n')
    done = import_file(ledger, tmp_path / "list.csv", country=None, now=clock(), **BY)
    assert (done.added, done.known, [one.line for one in done.rejects]) == (1, 1, [3, 4])


def test_an_account_column_of_somebody_elses_list_is_theirs(ledger, clock, tmp_path):
    (tmp_path / "list.csv").write_text(f"phone,account\n{ANN.e164},A-1234\n")
    assert import_file(ledger, tmp_path / "list.csv", country=None, now=clock(), **BY).added == 1
    assert why(ledger, ANN)[0].account == ""


# Erasing


def ended(ledger, one, clock) -> None:
    ending = Ending(outcome=Outcome.ANSWERED, ended_at=clock())
    assert ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())


def everything(ledger) -> str:
    with ledger.reading() as db:
        tables = (contacts, attempts, receipts, suppressions, audit)
        return "\n".join(str(row) for table in tables for row in db.execute(select(table)))


def test_an_erased_person_leaves_a_hash_and_is_never_called_again(ledger, clock):
    (one,) = dialing(ledger, [ANN.e164], now=clock())
    ended(ledger, one, clock)
    waiting = seed(ledger, [ANN.e164], now=clock(), campaign="later")
    ledger.write(suppress, ANN.e164, reason="asked us", source="ann", now=clock(), account="main")
    done = erase(ledger, ANN, who="ann", now=clock())
    assert (done.contacts, done.suppressions, done.in_progress) == (2, 1, 0)
    assert ANN.digits not in everything(ledger)
    assert claim(ledger, waiting, 5, now=clock())[1] == []
    assert {line.reason for line in why(ledger, ANN)} == {"asked us", "erased at the person's wish"}
    assert erase(ledger, ANN, who="ann", now=clock()).contacts == 0
    again = seed_known(ledger, clock)
    with ledger.reading() as db:
        assert db.scalar(select(contacts.c.status).where(contacts.c.campaign_id == again)) == "suppressed"


def seed_known(ledger, clock) -> str:
    """A new campaign over the erased number, its hash written as a launch does."""
    written = definition(campaign="new")
    facts = {"name": "new", "account": "main", "definition_text": written.model_dump_json(), "now": clock()}
    campaign_id = ledger.write(admission.create_draft, **facts)
    row = Admitted(line=2, phone=ANN.e164, fields={}, text="x", zone="UTC", not_after=None)
    ledger.write(admission.admit, campaign_id, [row], fingerprint=ledger.fingerprint, now=clock())
    begun = {"zones": ["UTC"], "rejects": 0, "rejects_file": None, "starts_at": None, "who": "ann"}
    ledger.write(admission.start, campaign_id, now=clock(), **begun)
    return campaign_id


def test_a_person_on_the_phone_is_erased_when_the_call_has_ended(ledger, clock):
    (one,) = dialing(ledger, [ANN.e164], now=clock())
    assert erase(ledger, ANN, who="ann", now=clock()).in_progress == 1
    ended(ledger, one, clock)
    assert erase(ledger, ANN, who="ann", now=clock()).contacts == 1
    assert ANN.digits not in everything(ledger)


def test_a_person_erased_while_on_the_phone_is_not_tried_again(ledger, clock):
    (one,) = dialing(ledger, [ANN.e164], now=clock(), retry={"max_attempts": 2, "busy": ["5m"]})
    erase(ledger, ANN, who="ann", now=clock())
    ending = Ending(outcome=Outcome.BUSY, ended_at=clock())
    assert ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())
    clock.forward(301)
    claim_id, ids = claim(ledger, one.campaign_id, 5, now=clock())
    assert ids
    assert open_all(ledger, claim_id, ids, now=clock()) == set()


def test_the_hash_is_nothing_without_the_key(tmp_path):
    one, other = (Ledger(f"sqlite:///{tmp_path / 'ledger'}", hash_key=key) for key in ("a", "b"))
    assert one.fingerprint(ANN.e164) != other.fingerprint(ANN.e164)
    assert one.fingerprint(ANN.e164) == one.fingerprint(ANN.e164)


def test_erasing_touches_nobody_else(ledger, clock):
    seed(ledger, [BOB.e164], now=clock())
    erase(ledger, ANN, who="ann", now=clock())
    with ledger.reading() as db:
        assert db.scalar(select(func.count()).where(contacts.c.phone == BOB.e164)) == 1
    assert suppression.why(ledger, BOB) == []
