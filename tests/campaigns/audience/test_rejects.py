"""Rejects go to a file whole, so that somebody can correct them there and send them again."""

from __future__ import annotations

import csv

import pytest

from campaigns.audience.audience import open_list, read_audience
from campaigns.audience.files.open_list import open_table
from campaigns.audience.rejects import OWN_COLUMNS, Reject, RejectCode, RejectStore
from campaigns.definition import Definition


def reject(cells=("x",), **facts) -> Reject:
    return Reject(
        **{"line": 2, "column": "a", "code": RejectCode.BAD_ZONE, "reason": "why", "cells": tuple(cells), **facts}
    )


def write_rejects(path, header, rejects) -> int:
    pile = RejectStore(header)
    for one in rejects:
        pile.add(one)
    return pile.write(path)


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def test_a_reject_keeps_its_row_and_gets_line_column_code_reason_and_suggestion(tmp_path):
    path = tmp_path / "rejects.csv"
    count = write_rejects(path, ["Phone", "Name"], [reject(["4.15555E+09", "Ann"], suggestion="type it again")])
    assert count == 1
    assert read(path) == [
        ["Phone", "Name", "_line", "_column", "_code", "_reason", "_suggestion"],
        ["4.15555E+09", "Ann", "2", "a", "bad_zone", "why", "type it again"],
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "+14155550101",  # a spreadsheet would drop the plus of a bare cell
        "0041",
        " padded ",
        "two\nlines",
        'says "hello"',
        "a;b,c\td",
        "Ирина",
        "",
    ],
)
def test_the_lists_own_cells_stay_as_they_came_and_in_quotes(tmp_path, cell):
    path = tmp_path / "rejects.csv"
    write_rejects(path, ["a"], [reject([cell])])
    assert read(path)[1][0] == cell
    assert path.read_text(encoding="utf-8-sig").splitlines()[1].startswith('"')


def test_a_row_and_a_column_name_that_are_formulas_are_texts_there_and_come_back_as_they_were(tmp_path):
    path = tmp_path / "rejects.csv"
    header, cells = ["phone", "=name"], ["+1 415", "＝cmd|' /C calc'!A0", "@beyond the header"]
    write_rejects(path, header, [reject(cells)])
    written = [cell for row in read(path) for cell in row]
    assert not any(cell.startswith(("=", "@", "＝")) for cell in written)
    table = open_table(path)
    assert table.header[:2] == ("phone", "=name")
    (row,) = table.rows()
    assert [*row.cells[:2], *row.cells[7:]] == cells


def test_a_short_row_is_filled_up_so_that_our_columns_stand_under_their_names(tmp_path):
    path = tmp_path / "rejects.csv"
    write_rejects(path, ["a", "b", "c"], [reject(["1"])])
    header, row = read(path)
    assert row[header.index("_line")] == "2"
    assert row[:3] == ["1", "", ""]


def test_cells_beyond_the_header_are_kept_at_the_end(tmp_path):
    path = tmp_path / "rejects.csv"
    write_rejects(path, ["a"], [reject(["1", "2", "3"])])
    assert read(path)[1] == ["1", "2", "a", "bad_zone", "why", "", "2", "3"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_our_own_words_are_never_taken_for_a_formula(tmp_path, start):
    path = tmp_path / "rejects.csv"
    write_rejects(path, ["a"], [reject(column=f"{start}SUM(A1)")])
    assert read(path)[1][2] == f"'{start}SUM(A1)"


def test_without_rejects_there_is_a_header_alone(tmp_path):
    path = tmp_path / "rejects.csv"
    assert write_rejects(path, ["a"], []) == 0
    assert read(path) == [["a", *OWN_COLUMNS]]


def test_rejects_can_be_written_as_they_come(tmp_path):
    path = tmp_path / "rejects.csv"
    assert write_rejects(path, ["a"], (reject(line=line) for line in range(3))) == 3


def test_a_corrected_file_of_rejects_is_a_list_again(tmp_path):
    path = tmp_path / "rejects.csv"
    write_rejects(path, ["Phone", "Name"], [reject(["+1 415 555", "Ирина"], code=RejectCode.INVALID_NUMBER)])
    path.write_text(path.read_text(encoding="utf-8-sig").replace("+1 415 555", "+1 415 555 0101"), encoding="utf-8")
    definition = Definition.model_validate(
        {
            "campaign": "again",
            "account": "main",
            "contacts": {"file": path.name},
            "message": {"tts": "Hello {{ name }}"},
            "caller_id": "+18005550100",
        }
    )
    (contact,) = read_audience(definition, open_list(definition, tmp_path)).contacts()
    assert (contact.phone.e164, contact.text) == ("+14155550101", "Hello Ирина")


def test_a_reject_does_not_show_its_cells_when_printed():
    assert "4155550101" not in repr(reject(["+14155550101"]))


@pytest.mark.slow
def test_memory_keeps_the_first_rejects_and_the_file_gets_all(tmp_path):
    pile = RejectStore(["a"])
    for line in range(2, 30_002):
        pile.add(reject(["x" * 50], line=line))
    assert (pile.count, pile.blocking, len(pile.first)) == (30_000, 30_000, 1000)
    assert pile.write(tmp_path / "all.csv") == 30_000
    pile.add(reject(line=30_002, code=RejectCode.ON_DNC))
    assert pile.write(tmp_path / "again.csv") == 30_001
    assert [row[1] for row in read(tmp_path / "again.csv")][-1] == "30002"
    assert pile.blocking == 30_000, "who is left out is no reason to start nothing"
    pile.clear()
    assert pile.write(tmp_path / "none.csv") == 0
