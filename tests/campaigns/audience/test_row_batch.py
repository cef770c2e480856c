"""Rows that are read together are each read as if alone, and each has the first of its faults."""

from __future__ import annotations

import random

import pytest

from campaigns.audience.audience import Audience
from campaigns.audience.files.table import CellFault, Row
from campaigns.audience.rejects import RejectCode
from campaigns.audience.rows.contact_row import ContactRow
from campaigns.audience.rows.row_reader import Outcome
from dialer.providers.provider import ScriptFault
from tests.support.campaign_files import read_list

HEADER = "mobile,home,country,name,amount,zone,until,agreed"
LONG = "x" * 200
GOOD = [
    ("+14155550101", "", "", "Ann", "12.5", "", "", "yes"),
    ("", "(212) 555-0104", "US", " Zoë ", "1,5", "", "", "yes"),
    ("N/A", "020 7946 0123", "GB", "Lee", "3", "Europe/London", "2026-12-05 15:00", "yes"),
    ("081 234 5678", "", "NA", "-", "3", "", "2026-12-05T15:00+02:00", "yes"),
]
BAD = {
    RejectCode.SHORT_ROW: ("+14155550102", "", ""),
    RejectCode.LONG_ROW: (*GOOD[0], "", "more"),
    RejectCode.BROKEN_ROW: ("+14155550103", "", "", "A\0nn", "1", "", "", "yes"),
    RejectCode.EMPTY_NUMBER: ("-", "", "Atlantis", "Ann", "1", "", "", "yes"),
    RejectCode.BAD_COUNTRY: ("4155550104", "", "Atlantis", "Ann", "1", "", "", "yes"),
    RejectCode.INVALID_NUMBER: ("4.15555E+09", "", "", "Ann", "1", "Nowhere/Town", "", "yes"),
    RejectCode.KIND_NOT_ALLOWED: ("+19002345678", "", "", "Ann", "1", "", "", "yes"),
    RejectCode.BAD_ZONE: ("+14155550105", "", "", "Ann", "1", "Nowhere/Town", "yesterday", "yes"),
    RejectCode.BAD_NOT_AFTER: ("+14155550106", "", "", "Ann", "1", "", "yesterday", ""),
    RejectCode.NO_CONSENT: ("+14155550107", "", "", "#REF!", "1", "", "", ""),
    RejectCode.MISSING_VARIABLE: ("+14155550108", "", "", "#REF!", "1", "", "", "yes"),
    RejectCode.BAD_TEXT: ("+14155550109", "", "", "Ann", "plenty", "", "", "yes"),
    RejectCode.TEXT_TOO_LONG: ("+14155550110", "", "", LONG, "1", "", "", "yes"),
}


def too_long(script) -> ScriptFault | None:
    return ScriptFault(code="text_too_long", reason="too long") if len(script.text) > len(LONG) else None


@pytest.fixture
def audience(tmp_path) -> Audience:
    return read_list(
        tmp_path,
        f"{HEADER}\n+14155550101,,,Ann,1,,,yes\n",
        phone=["mobile", "home"],
        country="US",
        country_column="country",
        zone="zone",
        not_after="until",
        consent="agreed",
        message={"tts": "Hello {{ name | default('you') }}, {{ amount | money('USD') }}."},
        check_script=too_long,
    )


def rows_in(order: int) -> list[Row]:
    """Good rows and rows with each fault, in an order of their own."""
    cells = [*GOOD, *BAD.values(), *GOOD]
    random.Random(order).shuffle(cells)
    rows = [Row(line, row) for line, row in enumerate(cells, start=2)]
    rows[order] = rows[order]._replace(hidden=True)
    rows[-1 - order] = rows[-1 - order]._replace(parse_error="lines 3 to 4 cannot be read")
    faulty = rows[order + 1]
    rows[order + 1] = faulty._replace(faults={4: CellFault("the cell shows an error", "correct it")})
    return rows


def as_told(outcome: Outcome) -> object:
    return outcome if isinstance(outcome, ContactRow) else vars(outcome)


@pytest.mark.parametrize("order", range(8))
def test_a_row_among_others_is_read_as_alone(audience, order):
    rows = rows_in(order)
    together = audience._reader.read(rows)
    assert list(map(as_told, together)) == [
        as_told(outcome) for row in rows for outcome in audience._reader.read([row])
    ]
    lines = [outcome.line for outcome in together if isinstance(outcome, ContactRow)]
    assert len(lines) >= len(GOOD)
    assert lines == sorted(lines)


def test_each_row_has_the_first_of_its_faults(audience):
    rows = [Row(line, cells) for line, cells in enumerate(BAD.values(), start=2)]
    assert [outcome.code for outcome in audience._reader.read(rows)] == list(BAD)


def test_a_batch_without_a_good_row_has_no_contact(audience):
    for code, cells in BAD.items():
        (rejection,) = audience._reader.read([Row(2, cells)])
        assert rejection.code == code
    assert audience._reader.read([]) == []


def test_blank_words_are_blanks_in_each_column_but_namibia_is_a_country(audience):
    contacts = audience._reader.read([Row(line, cells) for line, cells in enumerate(GOOD, start=2)])
    assert [contact.e164 for contact in contacts] == ["+14155550101", "+12125550104", "+442079460123", "+264812345678"]
    assert [contact.fields["name"] for contact in contacts] == ["Ann", "Zoë", "Lee", ""]
    assert contacts[3].fields["country"] == "NA"
