"""`contacts.where`: what rows meet a condition, and what is said of one that cannot be read."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from campaigns.audience.rejects import RejectCode
from campaigns.definition.row_conditions import BadCondition, CellUnfit, RowCondition
from campaigns.definition.speech.quantity import Quantity
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.checking.checks import check
from tests.support.dialers import callgear

ROW = {"status": "Due", "amount": "12.50", "city": "Rome", "note": "", "at": "2026-12-05T15:00", "Full name": "Ann"}


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("status = 'due'", True),
        ("status != 'due'", False),
        ("amount > 12", True),
        ("amount <= -1", False),
        ("amount = 12.5", True),
        ("city in ('Milan', 'rome')", True),
        ("city not in ('Milan', 'rome')", False),
        ("note is empty and city is not empty", True),
        ("at < '2026-12-06'", True),
        ("at >= '2026-12-05'", True),
        ("at < '2026-12-05 14:59'", False),
        ('`Full name` = "ann"', True),
        ("status = 'x' or amount > 1 and city = 'Rome'", True),
        ("(status = 'x' or amount > 1) and city = 'Milan'", False),
        ("not (status = 'due' AND NOT note is empty)", True),
        ("note > 3", False),  # blank is no number, and meets nothing
    ],
)
def test_a_row_meets_a_condition_or_not(condition, met):
    assert RowCondition(condition).is_met(ROW) is met


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("status = due", "a text in quotes or a number is expected (at character 10)"),
        ("status 'due'", "status is compared with nothing (at character 8)"),
        ("status = 'due", "means nothing here (at character 10)"),
        ("status == 'due'", "a text in quotes or a number is expected (at character 9)"),
        ("status = 'due' amount > 0", "'amount' is one too many (at character 16)"),
        ("status = 'due' and", "it ends where a column's name is expected (at character 19)"),
        ("(status = 'due'", "a bracket is not closed (at character 16)"),
        ("city in 'Rome'", "in is followed by no list (at character 9)"),
        ("status > 'b'", "> compares numbers and dates (at character 10)"),
        ("status is blank", "is stands before something else than empty (at character 11)"),
        ("__import__('os')", "__import__ is compared with nothing (at character 11)"),
        ("not " * 60 + "a = 1", "nested more than 50 times"),
        ("a = 1 or " * 400 + "a = 1", "more than 2000 characters"),
        ("", "it ends where a column's name is expected (at character 1)"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(condition, said):
    with pytest.raises(BadCondition) as refused:
        RowCondition(condition)
    assert said in str(refused.value)


def test_a_cell_that_cannot_be_compared_is_no_silent_no():
    with pytest.raises(CellUnfit, match="it is none"):
        RowCondition("city > 3").is_met(ROW)


@pytest.mark.parametrize(
    ("cell", "condition", "met"),
    [
        ("1.000", "amount > 0", True),  # a thousand or one
        ("1.000", "amount < 5000", True),
        ("12.500", "amount > 20000", False),
        ("1250.500", "amount > 2000", False),
        ("1e3", "amount = 1000", True),
        ("10,50", "amount > 10.4", True),  # a comma before two digits is a decimal one
        ("-,5", "amount = -0.5", True),
        ("0,125", "amount < 1", True),  # no number of thousands begins with a nought
        ("1.250,00", "amount = 1250", True),
        ("1,250.5", "amount = 1250.5", True),
        ("1.250.000", "amount = 1250000", True),
        ("1 250,75", "amount = 1250.75", True),
        ("1'250", "amount in (1250)", True),
        ("1,250", "amount > 1", True),  # a thousand or one, too
        (".5", "amount < 1", True),
        (Quantity("€ 46361.63", Decimal("46361.63")), "amount > 46361", True),
        (Quantity("1.000", Decimal(1)), "amount > 9", False),  # a point of a sheet is a decimal one
        ("1.0", "amount in (1, 2)", True),  # as pandas writes it
        ("01", "amount not in (1, 2)", False),
        ("1.0", "amount in ('1', '2')", False),  # texts
        (Quantity("€ 2.00", Decimal("2.00")), "amount in (1, 2)", True),
        ("", "amount in (0)", False),
        ("2026-12-05T10:00:00.5+01:00", "amount > '2026-12-05'", False),
        ("2026-12-05 10:00Z", "amount > '2026-12-05T09:00'", True),
    ],
)
def test_a_cell_is_compared_as_its_author_meant_it(cell, condition, met):
    assert RowCondition(condition).is_met({"amount": cell}) is met


@pytest.mark.parametrize(
    ("cell", "condition", "said"),
    [
        ("1.000", "amount > 9", "it can mean 1000 or 1.000"),
        ("-12.500", "amount < -100", "it can mean -12500 or -12.500"),
        ("1,250", "amount > 9", "it can mean 1250 or 1.250"),
        ("1,250", "amount in (1250, 1)", "it can mean 1250 or 1.250"),
        ("1,25,0", "amount > 9", "it is none"),
        ("1.250.00", "amount > 9", "it is none"),
        ("1 25", "amount > 9", "it is none"),
        ("12.5 EUR", "amount > 9", "it is none"),
        ("999.999", "not amount >= 1000", "it can mean 999999 or 999.999"),
        ("Infinity", "amount > 9", "it is none"),
        ("inf", "amount > 9", "it is none"),
        ("1_000", "amount > 9", "it is none"),
        ("0x10", "amount > 9", "it is none"),
        ("2026-02-30", "amount > '2026-01-01'", "it is none in ISO 8601"),
        ("2026-13-01", "amount > '2026-01-01'", "it is none in ISO 8601"),
        ("2026-12-05 or later", "amount > '2026-01-01'", "it is none in ISO 8601"),
    ],
)
def test_a_cell_that_may_be_meant_otherwise_is_no_silent_answer(cell, condition, said):
    with pytest.raises(CellUnfit, match=re.escape(said)):
        RowCondition(condition).is_met({"amount": cell})


def campaign(folder, where: str, rows: str):
    file = folder / "due.yaml"
    contacts = f'contacts: {{file: list.csv, where: "{where}"}}'
    file.write_text(
        f'campaign: due\naccount: main\n{contacts}\nmessage: {{tts: "Hi {{{{ name }}}}"}}\ncaller_id: "+18005550100"\n'
    )
    (folder / "list.csv").write_text(f"phone,name,status,amount\n{rows}")
    return file


def test_rows_that_are_not_wanted_are_left_out_counted_and_no_rejects(tmp_path):
    rows = "+14155550101,Ann,due,5\n+14155550102,Bob,paid,5\nno number,,paid,\n+14155550103,Cy,due,much\n"
    checked = check(campaign(tmp_path, "status = 'due' and amount > 0", rows), {"main": callgear()})
    assert (checked.summary.will_dial, checked.summary.not_wanted, checked.bad_rows) == (1, 2, 1)
    (reject,) = checked.rejects
    assert (reject.line, reject.column, reject.code) == (5, "amount", RejectCode.BAD_CONDITION)
    assert "2 rows left out by contacts.where" in checked.warnings
    assert checked.summary.rejected == 1


@pytest.mark.parametrize(("where", "said"), [("status = due", "at character 10"), ("state = 'due'", "no column")])
def test_a_bad_condition_is_named_with_its_line(tmp_path, where, said):
    file = campaign(tmp_path, where, "+14155550101,Ann,due,5\n")
    with pytest.raises(DefinitionFaults, match=said) as refused:
        check(file, {"main": callgear()})
    (fault,) = refused.value.faults
    assert (fault.line, fault.column) == (3, 35)
