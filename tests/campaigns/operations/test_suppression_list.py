"""The suppression list as people use it."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
from openpyxl import Workbook
from sqlalchemy import delete, select

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.ledger.tables import audit, suppressions
from campaigns.operations.erasure import erase
from campaigns.operations.suppression_files.exporting import export_file
from campaigns.operations.suppression_files.importing import NoNumbers, import_file
from campaigns.operations.suppression_list import add, entries_of, remove
from dialer.phone import parse
from tests.support.seeding import numbers

ANN, BOB, CAT, DAN = (parse(one) for one in numbers(4))
BY = {"reason": "asked us", "who": "ann"}


def test_a_number_is_added_explained_and_removed_with_a_line_that_says_by_whom(ledger, clock):
    assert add(ledger, ANN, now=clock(), **BY)
    assert not add(ledger, ANN, now=clock(), **BY)
    (line,) = entries_of(ledger, ANN)
    assert (line.account, line.reason, line.source, line.added_at) == ("", "asked us", "ann", clock())
    assert remove(ledger, ANN, who="bob", now=clock())
    assert not remove(ledger, ANN, who="bob", now=clock())
    assert entries_of(ledger, ANN) == []
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
    assert entries_of(ledger, parse("+14155550101"))[0].reason == ("moved away" if "moved" in text else "asked us")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+4930123456.0", "+4930123456"),  # a column of decimals
        ("4930123456.0", "+4930123456"),
        ("+49\u202f30\u202f123456", "+4930123456"),
        ("030 123456,00 ", None),  # its end may be the number's
        ("030 1234-56/57", None),  # whose?
        ("+1 900 555 0123", "+19005550123"),  # nobody calls it, and it may be on the list
    ],
)
def test_a_number_on_an_imported_list_is_held_as_its_author_meant_it_or_rejected(
    ledger, clock, tmp_path, written, number
):
    (tmp_path / "list.csv").write_text(f'phone,reason\n"{written}",asked us\n', encoding="utf-8")
    done = import_file(ledger, tmp_path / "list.csv", country="DE", now=clock(), **BY)
    assert (done.added, len(done.rejects)) == (number is not None, number is None)
    assert number is None or entries_of(ledger, parse(number))


@pytest.mark.parametrize(
    ("encoding", "reason"),
    [
        ("cp1250", "Łukasz nie życzy sobie"),
        ("cp1253", "Δεν θέλει κλήσεις"),
        ("shift_jis", "電話は不要です"),
        ("koi8-r", "просил не звонить"),
    ],
)
def test_a_list_in_another_encoding_is_imported_when_it_is_named_and_else_asked_about(
    ledger, clock, tmp_path, encoding, reason
):
    (tmp_path / "list.csv").write_bytes(f"phone,reason\n+14155550101,{reason}\n".encode(encoding))
    with pytest.raises(BadContactsFile) as refused:
        import_file(ledger, tmp_path / "list.csv", country=None, now=clock(), **BY)
    assert "name it (--encoding " in refused.value.remedy
    import_file(ledger, tmp_path / "list.csv", country=None, now=clock(), encoding=encoding, **BY)
    assert [entry.reason for entry in entries_of(ledger, parse("+14155550101"))] == [reason]


def test_an_encoding_that_the_list_does_not_have_is_refused(ledger, clock, tmp_path):
    (tmp_path / "list.csv").write_text("phone,reason\n" + "+14155550101,déjà\n" * 3, encoding="utf-8")
    with pytest.raises(BadContactsFile, match="this is UTF-8, and --encoding says gbk") as refused:
        import_file(ledger, tmp_path / "list.csv", country=None, now=clock(), encoding="gbk", **BY)
    assert refused.value.remedy == "remove --encoding, or correct it"


def test_a_list_without_a_column_of_numbers_is_named(ledger, clock, tmp_path):
    (tmp_path / "list.csv").write_text("name,street\nAnn,Main\n")
    with pytest.raises(NoNumbers, match="no column is named phone or number"):
        import_file(ledger, tmp_path / "list.csv", country=None, now=clock(), **BY)


def test_a_line_above_the_column_names_is_named(ledger, clock, tmp_path):
    (tmp_path / "list.csv").write_text("Do not call,March\nname,phone\nAnn,+14155550101\n")
    with pytest.raises(NoNumbers) as refused:
        import_file(ledger, tmp_path / "list.csv", country=None, now=clock(), **BY)
    assert refused.value.remedy == "the columns' names stand in line 2: remove what is above it"


def test_of_a_workbook_every_row_is_imported_and_other_lists_are_named(ledger, clock, tmp_path):
    book = Workbook()
    book.active.append(["Notes"])
    for title, line in (("March", "01"), ("April", "02")):
        for row in (["phone"], [f"+141555501{line}"], [f"+121255501{line}"]):
            (book[title] if title in book.sheetnames else book.create_sheet(title)).append(row)
    book["March"].row_dimensions[3].hidden = True
    book.save(tmp_path / "list.xlsx")
    done = import_file(ledger, tmp_path / "list.xlsx", country=None, now=clock(), **BY)
    assert (done.added, done.rejects) == (2, ())
    assert done.remarks[0] == "the sheet 'April' has such a list, too, and was not read"
    assert entries_of(ledger, parse("+12125550101"))


def test_what_is_exported_is_imported_as_it_stood(ledger, clock, tmp_path):
    add(ledger, ANN, now=clock(), **BY)
    add(ledger, BOB, now=clock(), account="spare", expires_at=clock() + timedelta(days=2), **BY)
    erase(ledger, CAT, who="cat", now=clock())
    add(ledger, DAN, now=clock(), expires_at=clock() + timedelta(days=1), **BY)
    before = [entries_of(ledger, one) for one in (ANN, BOB, CAT)]
    assert export_file(ledger, tmp_path / "list.csv") == 4
    with ledger.writing() as db:
        db.execute(delete(suppressions))
    clock.forward(86400)
    facts = {"country": None, "who": "eve", "reason": "a restored list", "now": clock()}
    done = import_file(ledger, tmp_path / "list.csv", **facts)
    assert (done.added, done.known, done.expired, done.rejects) == (3, 0, 1, ())
    assert [entries_of(ledger, one) for one in (ANN, BOB, CAT)] == before
    assert entries_of(ledger, DAN) == []
    assert import_file(ledger, tmp_path / "list.csv", **facts).known == 3


@pytest.mark.parametrize("reason", ["=cmd|' /C calc'!A0", "\n=1", " ＝1", "'=1", "'quoted'", " padded "])
def test_a_reason_that_is_a_formula_is_a_text_in_the_exported_list_and_comes_back(ledger, clock, tmp_path, reason):
    add(ledger, ANN, reason=reason, who="@ann", now=clock())
    before = entries_of(ledger, ANN)
    export_file(ledger, tmp_path / "list.csv")
    with (tmp_path / "list.csv").open(encoding="utf-8-sig", newline="") as stream:
        cells = next(csv.DictReader(stream))
    assert not any(cells[name].strip().startswith(("=", "@", "＝")) for name in ("reason", "source"))
    with ledger.writing() as db:
        db.execute(delete(suppressions))
    import_file(ledger, tmp_path / "list.csv", country=None, reason="", who="eve", now=clock())
    assert entries_of(ledger, ANN) == before


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
    assert entries_of(ledger, ANN)[0].account == ""
