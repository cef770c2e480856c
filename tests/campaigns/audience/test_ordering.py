"""Contacts in the order of `contacts.order`: numbers by value, texts after them, blanks last, equals as they were."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from campaigns.audience.files import ordering
from campaigns.audience.files.ordering import in_order, sort_key
from campaigns.audience.rows.contact_row import ContactRow
from campaigns.definition.speech.quantity import Quantity
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.checking.checks import check
from tests.support.dialers import callgear

CELLS = ["10", "9", "", "b", "A", "-1.5", "10"]


def row(line: int, cell: str) -> ContactRow:
    return ContactRow(line, "+14155550101", {"amount": cell}, "UTC", None, "text", {}, None)


@pytest.mark.parametrize("in_memory", [100, 2])
def test_a_list_of_any_size_is_sorted_and_equals_stay_in_place(monkeypatch, in_memory):
    monkeypatch.setattr(ordering, "IN_MEMORY", in_memory)
    rows = [row(line, cell) for line, cell in enumerate(CELLS)]
    up = [one.line for one in in_order(rows, sort_key([("amount", False)]))]
    down = [one.line for one in in_order(rows, sort_key([("amount", True)]))]
    assert up == [5, 1, 0, 6, 4, 3, 2]
    assert down == [3, 4, 0, 6, 1, 5, 2]


@pytest.mark.parametrize(
    ("cells", "upwards"),
    [
        (["10,50", "9,99", "1.250,00", "-3,5"], [3, 1, 0, 2]),  # as Germany writes them
        (["1,250.00", "300", "1,100"], [1, 2, 0]),
        ([Quantity("50%", Decimal("0.5")), Quantity("€ 1,000.00", Decimal(1000)), "20"], [0, 2, 1]),  # of a sheet
    ],
)
def test_numbers_come_by_their_value_however_their_list_writes_them(cells, upwards):
    rows = [row(line, cell) for line, cell in enumerate(cells)]
    assert [one.line for one in in_order(rows, sort_key([("amount", False)]))] == upwards


@pytest.mark.parametrize("name", ["Nan", "Infinity", "-inf", "NAN"])
def test_a_name_that_could_be_a_number_of_programs_is_a_text(name):
    rows = [row(line, cell) for line, cell in enumerate(["b", name, "10", "a", "9"])]
    assert [one.line for one in in_order(rows, sort_key([("amount", False)]))][:2] == [4, 2]


def test_contacts_enter_the_ledger_in_their_order_and_a_phone_is_no_order(tmp_path):
    shuffled = Random(3).sample(range(10), 10)
    (tmp_path / "list.csv").write_text(
        "phone,amount\n" + "".join(f"+141555501{digit:02},{digit}\n" for digit in shuffled)
    )
    file = tmp_path / "order.yaml"
    text = "campaign: order\naccount: main\ncontacts: {file: list.csv, order: -amount}\nmessage: {tts: Hello}\n"
    file.write_text(text + 'caller_id: "+18005550100"\n')
    staged = check(file, {"main": callgear()}).staging_file
    assert staged is not None
    assert [phone[-1] for _, phone, *_ in staged.contacts()] == list("9876543210")
    file.write_text(file.read_text().replace("-amount", "phone"))
    with pytest.raises(DefinitionFaults, match="cannot be ordered by their numbers") as refused:
        check(file, {"main": callgear()})
    assert refused.value.faults[0].line == 3
