"""Every row of a list is a contact or a reject with its reason; none is lost, and none is guessed at."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from functools import partial

import pytest

from campaigns.audience.import_summary import ImportSummary
from campaigns.audience.rejects import Reject, RejectCode
from campaigns.audience.rows.contact_row import ContactRow
from campaigns.definition.yaml_source import DefinitionFaults
from dialer.number_kinds import NumberKind
from dialer.phone import parse
from tests.support.campaign_files import GOOD, read_list


@pytest.fixture
def audience_of(tmp_path):
    return partial(read_list, tmp_path)


def only_reject(audience) -> Reject:
    assert list(audience.contacts()) == []
    (reject,) = audience.rejects
    return reject


def test_a_row_becomes_a_contact_with_everything_the_dial_path_needs(audience_of):
    audience = audience_of(
        "Phone,First Name,Time Zone,Appointment At,Doctor\n"
        "(415) 555-0101,Amelia,America/Los_Angeles,2026-12-05T15:00, Dr. Moreno \n",
        country="US",
        zone="time_zone",
        not_after="appointmentAt",
        message={"tts": "Hello {{ first_name }}, {{ Doctor }} expects you."},
        schedule={"zone": "America/New_York"},
    )
    (contact,) = audience.contacts()
    assert contact.line == 2
    assert contact.phone.e164 == GOOD
    assert contact.text == "Hello Amelia, Dr. Moreno expects you."
    assert contact.zone == "America/Los_Angeles"
    assert contact.not_after == datetime(2026, 12, 5, 23, 0, tzinfo=UTC)
    assert contact.fields == {
        "first_name": "Amelia",
        "time_zone": "America/Los_Angeles",
        "appointment_at": "2026-12-05T15:00",
        "doctor": "Dr. Moreno",
    }


def test_a_contact_shows_neither_number_nor_text_when_printed(audience_of):
    (contact,) = audience_of(f"phone,name\n{GOOD},Amelia\n", message={"tts": "Hello {{ name }}"}).contacts()
    assert GOOD not in repr(contact)
    assert "Amelia" not in repr(contact)


CALLBACK = {"columns": {"visit": "Visit no."}, "callback_data": "{{ visit }}/{{ site }}"}


def test_what_comes_back_with_receipts_is_made_of_the_rows_stored_values(audience_of):
    audience = audience_of(f"phone,Visit no.,site\n{GOOD},17,Rome\n", **CALLBACK)
    (contact,) = audience.contacts()
    assert audience.definition.callback_text(contact.fields, contact.zone) == "17/Rome"


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (f"{GOOD},,Rome", "Visit no.", "visit is blank, and callback_data has it"),
        (f"{GOOD},17,{'x' * 2000}", "", "it comes to 2003 characters, and 2000 are taken"),
    ],
)
def test_a_row_for_which_it_cannot_be_made_is_rejected(audience_of, row, column, reason):
    reject = only_reject(audience_of(f"phone,Visit no.,site\n{row}\n", **CALLBACK))
    assert (reject.line, reject.column) == (2, column)
    assert reason in reject.reason
    assert reject.suggestion


def test_a_column_that_is_not_there_is_named_at_its_key(audience_of):
    with pytest.raises(DefinitionFaults) as caught:
        audience_of(f"phone\n{GOOD}\n", callback_data="{{ visit }}")
    (fault,) = caught.value.faults
    assert (fault.key, "visit" in fault.message) == ("callback_data", True)


NUMBERS = [
    ("+14155550101", "US", GOOD),
    ("(415) 555-0101", "US", GOOD),
    ("415-555-0101", "US", GOOD),
    ("415.555.0101", "US", GOOD),
    ("1 415 555 0101", "US", GOOD),  # the trunk prefix
    ("  +1 415 555 0101 ", None, GOOD),
    ("+1 (415) 555-0101", None, GOOD),
    ("tel:+1-415-555-0101", None, GOOD),
    ('"=""+14155550101"""', None, GOOD),  # a formula that keeps a spreadsheet from rounding it
    ("'+14155550101", None, GOOD),  # an apostrophe for the same reason
    ("+14155550101", "RU", GOOD),  # a plus says more than the country
    ("8 (912) 000-00-00", "RU", "+79120000000"),
    ("+7 912 000-00-00", None, "+79120000000"),
    ("020 7946 0123", "GB", "+442079460123"),  # its zero is the trunk's
    ("4.15555E+09", "US", RejectCode.INVALID_NUMBER),  # rounded by a spreadsheet
    ("4,15555E+09", "US", RejectCode.INVALID_NUMBER),  # in a country of decimal commas
    ("4155550101", None, RejectCode.INVALID_NUMBER),  # no plus, no country
    ("+1 415 555", None, RejectCode.INVALID_NUMBER),
    ("+1 415 555 0101 2345 678", None, RejectCode.INVALID_NUMBER),
    ("+999 415 555 0101", None, RejectCode.INVALID_NUMBER),
    ("+1 415 555 0101 ext. 12", None, RejectCode.INVALID_NUMBER),  # nobody can dial the rest
    ("+1 000 555 0101", None, RejectCode.INVALID_NUMBER),  # no such area
    ("n/a", "US", RejectCode.EMPTY_NUMBER),
    ("0", "US", RejectCode.INVALID_NUMBER),
    ("112", "US", RejectCode.INVALID_NUMBER),
    ("911", "US", RejectCode.INVALID_NUMBER),
    ("=1+1", "US", RejectCode.INVALID_NUMBER),
    ("+" * 400, "US", RejectCode.INVALID_NUMBER),
    ("", "US", RejectCode.EMPTY_NUMBER),
    ("   ", "US", RejectCode.EMPTY_NUMBER),
]


@pytest.mark.parametrize(("written", "country", "expected"), NUMBERS)
def test_a_number_is_read_as_people_write_it_or_rejected(audience_of, written, country, expected):
    quoted = written if written.startswith('"') else f'"{written}"'
    (read,) = audience_of(f"phone,name\n{quoted},Ann\n", country=country).rows()
    if isinstance(expected, RejectCode):
        assert isinstance(read, Reject)
        assert (read.code, read.column, read.line) == (expected, "phone", 2)
        assert read.reason
        assert read.suggestion
    else:
        assert isinstance(read, ContactRow)
        assert read.phone.e164 == expected


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("+1 900 555 0123", "premium_rate"),
        ("+44 909 879 0123", "premium_rate"),
        ("+49 900 1123456", "premium_rate"),
        ("+979 1 2345 6789", "premium_rate"),
        ("+49 180 5 123456", "shared_cost"),
        ("+33 810 123456", "shared_cost"),
        ("+808 1234 5678", "shared_cost"),
        ("+1 500 555 0123", "personal"),
        ("+44 7020 123456", "personal"),
        ("+49 700 12345678", "personal"),
        ("+878 10 1234567890", "personal"),
        ("+44 345 1234567", "universal_access"),
        ("+81 570 012345", "universal_access"),
        ("+44 7640 123456", "pager"),
        ("+8816 3141 5926", "satellite"),
        ("+870 301 234567", "satellite"),
        ("+88216 1234567", "satellite"),
        ("+882 34 21234", "international"),
        ("+883 5100 12345", "international"),
        ("+800 1234 5678", "international"),
    ],
)
def test_a_number_of_a_kind_that_costs_or_is_no_persons_is_called_only_where_its_kind_is_allowed(
    audience_of, written, kind
):
    reject = only_reject(audience_of(f"phone\n{written}\n"))
    assert (reject.code, reject.column) == (RejectCode.KIND_NOT_ALLOWED, "phone")
    assert reject.reason.startswith(("this is a ", "this is the "))
    assert reject.suggestion == f"remove the row, or allow such numbers: contacts.allow: [{kind}]"
    others = [other for other in NumberKind if other != kind]
    assert only_reject(audience_of(f"phone\n{written}\n", allow=others)).code is RejectCode.KIND_NOT_ALLOWED
    (contact,) = audience_of(f"phone\n{written}\n", allow=[kind]).contacts()
    assert contact.phone == parse(written)


@pytest.mark.parametrize(
    "written",
    [
        "+1 800 555 0123",
        "+1 204 555 0123",
        "+44 20 7946 0123",
        "+44 7400 123456",
        "+49 1511 2345678",
        "+49 32 221234567",
    ],
)
def test_numbers_of_people_and_free_numbers_need_no_leave(audience_of, written):
    assert [contact.phone for contact in audience_of(f"phone\n{written}\n").contacts()] == [parse(written)]


def test_duplicates_are_known_by_their_number_however_it_is_written(audience_of):
    """Dograh compared the text: "+7 912 000-00-00" and "+79120000000" were two people, called twice."""
    audience = audience_of("phone,name\n+7 912 000-00-00,Ann\n+79120000000,Bob\n8 (912) 000-00-00,Eve\n", country="RU")
    (contact,) = audience.contacts()
    assert contact.fields["name"] == "Ann"  # the first wins
    assert [(r.line, r.code, r.reason) for r in audience.rejects] == [
        (3, RejectCode.DUPLICATE, "the same number stands in line 2"),
        (4, RejectCode.DUPLICATE, "the same number stands in line 2"),
    ]


def test_a_rejected_row_does_not_stand_in_the_way_of_a_good_one_with_its_number(audience_of):
    audience = audience_of(f"phone,name\n{GOOD},\n{GOOD},Ann\n", message={"tts": "Hello {{ name }}"})
    assert [contact.line for contact in audience.contacts()] == [3]
    assert [reject.code for reject in audience.rejects] == [RejectCode.MISSING_VARIABLE]


def test_a_row_too_short_for_its_number_is_reported(audience_of):
    """Dograh skipped rows shorter than the phone column in silence."""
    reject = only_reject(audience_of("name,city,phone\nAnn,Oslo\n"))
    assert (reject.line, reject.code) == (2, RejectCode.SHORT_ROW)
    assert reject.reason == "the row has 2 cells and the header 3"
    assert reject.cells == ("Ann", "Oslo")


@pytest.mark.slow
def test_a_bad_cell_in_row_1500_is_named_and_no_other_row_is_lost(audience_of):
    """Newfies converted a cell outside any guard: the import failed there and kept the batches before it."""
    rows = [f"+1{area}55501{n:02},Ann" for area in range(201, 231) for n in range(100)]
    rows = [row for row in rows if not row.startswith("+1211")]  # not an area code
    rows[1498] = "seven,Ann"
    audience = audience_of("phone,name\n" + "\n".join(rows) + "\n")
    contacts = list(audience.contacts())
    assert 1500 in [reject.line for reject in audience.rejects]
    assert {contact.line for contact in contacts} | {reject.line for reject in audience.rejects} == set(
        range(2, len(rows) + 2)
    )
    assert audience.summary.rows_read == len(rows)


@pytest.mark.slow
def test_a_list_is_never_held_in_memory(audience_of):
    """OpenEWS built the whole audience in memory."""
    wide = "x" * 2000
    rows = "".join(f"+1{area}55501{n:02},{wide}\n" for area in (202, 203, 205, 206, 207, 208) for n in range(100))
    audience = audience_of("phone,note\n" + rows * 8)  # nine megabytes, most of it duplicates
    tracemalloc.start()
    try:
        count = sum(1 for _ in audience.rows())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 4800
    assert peak < 3_000_000


ROWS = [
    # row, code, column, said
    (f"{GOOD},,UTC,2026-12-05T15:00", RejectCode.MISSING_VARIABLE, "name", "name is blank"),
    (f"{GOOD},\u00a0,UTC,2026-12-05T15:00", RejectCode.MISSING_VARIABLE, "name", "name is blank"),
    (f"{GOOD},\u200b,UTC,2026-12-05T15:00", RejectCode.MISSING_VARIABLE, "name", "name is blank"),
    (f"{GOOD},nan,UTC,2026-12-05T15:00", RejectCode.MISSING_VARIABLE, "name", 'name is blank: "nan" is no value'),
    ("NULL,Ann,UTC,2026-12-05T15:00", RejectCode.EMPTY_NUMBER, "phone", "the number is empty"),
    (f"{GOOD},Ann,Mars,2026-12-05T15:00", RejectCode.BAD_ZONE, "zone", "no time zone"),
    (f"{GOOD},Ann,America/Chigaco,2026-12-05T15:00", RejectCode.BAD_ZONE, "zone", "no time zone"),
    (f"{GOOD},Ann,EDT,2026-12-05T15:00", RejectCode.BAD_ZONE, "zone", "no time zone"),  # an abbreviation
    (f"{GOOD},Ann,+03:00,2026-12-05T15:00", RejectCode.BAD_ZONE, "zone", "an offset, which knows no summer time"),
    (f"{GOOD},Ann,UTC,tomorrow", RejectCode.BAD_NOT_AFTER, "until", "not a date and time"),
    (f"{GOOD},Ann,UTC,2026-12-05", RejectCode.BAD_NOT_AFTER, "until", "a date without a time"),
    (f"{GOOD},Ann,UTC,05.12.2026 15:00", RejectCode.BAD_NOT_AFTER, "until", "not a date and time"),
    (f"{GOOD},Ann,UTC", RejectCode.SHORT_ROW, "", "3 cells"),
    (f"{GOOD},Lee, Ann,UTC,2026-12-05T15:00", RejectCode.LONG_ROW, "", "5 cells"),  # a comma without quotes
    (f'{GOOD},"Ann" Lee,UTC,2026-12-05T15:00', RejectCode.BROKEN_ROW, "", "after a closing quote"),
    (f"{GOOD},An\0n,UTC,2026-12-05T15:00", RejectCode.BROKEN_ROW, "name", "NUL"),
    (f"{GOOD},Bob,UTC,2026-12-05T15:00", RejectCode.BAD_TEXT, "", "division by zero"),
    (",Ann,UTC,2026-12-05T15:00", RejectCode.EMPTY_NUMBER, "phone", "empty"),
]


@pytest.mark.parametrize(("row", "code", "column", "said"), ROWS)
def test_a_row_that_cannot_be_called_is_rejected_with_its_reason(audience_of, row, code, column, said):
    audience = audience_of(
        f"phone,name,zone,until\n{row}\n",
        zone="zone",
        not_after="until",
        message={"tts": "Hello {{ name }}{% if name == 'Bob' %}{{ 1 / 0 }}{% endif %}"},
    )
    reject = only_reject(audience)
    assert (reject.line, reject.code, reject.column) == (2, code, column)
    assert said in reject.reason
    assert reject.suggestion
    assert GOOD not in reject.reason + reject.suggestion


def test_a_blank_zone_means_that_of_the_number_and_a_wrong_one_means_no_call(audience_of):
    """Dograh's check of the time failed open: a zone it did not know was any time."""
    audience = audience_of(
        "phone,zone\n+14155550101,\n+14155550102,Amerika/New_York\n",
        zone="zone",
        schedule={"zone": "America/New_York", "windows": {"mon": "09:00-17:00"}},
    )
    assert [contact.zone for contact in audience.contacts()] == ["America/Los_Angeles"]
    assert [reject.code for reject in audience.rejects] == [RejectCode.BAD_ZONE]


@pytest.mark.parametrize("blank", ["", " ", "\u00a0"])
@pytest.mark.parametrize("key", ["not_after", "country_column", "zone", "language", "voice"])
def test_a_blank_cell_of_a_column_that_only_adds_something_adds_nothing(audience_of, key, blank):
    (given,) = audience_of(f"phone,more\n{GOOD},{blank}\n", **{key: "more"}).contacts()
    (absent,) = audience_of(f"phone,more\n{GOOD},{blank}\n").contacts()
    assert given == absent


@pytest.mark.parametrize(
    ("written", "zone", "expected"),
    [
        ("2026-12-05T15:00", "America/New_York", datetime(2026, 12, 5, 20, 0, tzinfo=UTC)),
        ("2026-12-05 15:00:30", "Asia/Kathmandu", datetime(2026, 12, 5, 9, 15, 30, tzinfo=UTC)),
        ("2026-12-05T15:00+01:00", "America/New_York", datetime(2026, 12, 5, 14, 0, tzinfo=UTC)),
        ("2026-12-05T15:00Z", "", datetime(2026, 12, 5, 15, 0, tzinfo=UTC)),  # needs no zone
        ("2026-11-01T01:30", "America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),  # shown twice: the first
    ],
)
def test_a_last_moment_is_in_the_contacts_zone_unless_it_says_otherwise(audience_of, written, zone, expected):
    (contact,) = audience_of(f"phone,zone,until\n{GOOD},{zone},{written}\n", zone="zone", not_after="until").contacts()
    assert contact.not_after == expected


def test_a_last_moment_without_any_zone_is_rejected(audience_of):
    audience = audience_of(f"phone,until\n{GOOD},2026-12-05T15:00\n", not_after="until", zone_by_number="false")
    reject = only_reject(audience)
    assert (reject.code, reject.column) == (RejectCode.BAD_NOT_AFTER, "until")
    assert "schedule.zone" in reject.suggestion


def test_the_summary_counts_every_row_once_in_the_order_people_read(audience_of):
    audience = audience_of(
        "phone,name,zone\n"
        "+14155550101,Ann,UTC\n"
        "+14155550102,Bob,\n"
        "+1 415 555 0101,Ann,UTC\n"  # duplicate
        "12,Eve,UTC\n"
        ",Eve,UTC\n"
        "+14155550103,,UTC\n"
        "+14155550104,Eve,Mars\n"
        "+14155550105,Eve\n",
        zone="zone",
        message={"tts": "Hello {{ name }}"},
    )
    list(audience.contacts())
    assert audience.summary.lines() == [
        ("rows read", 8),
        ("valid", 2),
        ("duplicate in file", 1),
        ("duplicate in campaign", 0),
        ("on DNC", 0),
        ("invalid number", 2),
        ("missing variable", 1),
        ("text too long", 0),
        ("other", 2),
        ("not wanted", 0),
        ("will dial", 2),
    ]
    assert audience.summary.rejected == len(audience.rejects) == 6


def test_what_the_ledger_knows_is_taken_off_those_who_will_be_called():
    summary = ImportSummary(
        rows_read=10,
        valid=8,
        duplicate_in_file=2,
        duplicate_in_campaign=1,
        on_dnc=3,
        invalid_number=0,
        missing_variable=0,
        text_too_long=0,
        other=0,
    )
    assert summary.will_dial == 4


def test_reading_twice_gives_the_same(audience_of):
    audience = audience_of(f"phone\n{GOOD}\n{GOOD}\n12\n")
    assert list(audience.contacts()) == list(audience.contacts())
    assert len(audience.rejects) == 2
    assert audience.summary.rows_read == 3


@pytest.mark.parametrize(
    "error",
    [
        *("#REF!", "#WERT!", "#BEZUG!", "#DIV/0!", "#¡DIV/0!", "#¿NOMBRE?", "#VALEUR!", "#ИМЯ?", "#ДЕЛ/0!", "#DEĞER!"),
        *("#SPILL!", "#CALC!", "######", "Err:502"),
    ],
)
def test_an_error_of_a_spreadsheet_is_never_spoken_whatever_its_language(audience_of, error):
    reject = only_reject(audience_of(f"phone,name\n{GOOD},{error}\n", message={"tts": "Hello {{ name }}"}))
    assert (reject.code, reject.column) == (RejectCode.MISSING_VARIABLE, "name")
    assert reject.reason == f"the spreadsheet shows an error here: {error}"


@pytest.mark.parametrize("value", ["#1", "# 5!", "#metoo!", "Err: none", "No. #4?", "C#"])
def test_a_value_with_the_sign_of_such_errors_is_spoken(audience_of, value):
    (contact,) = audience_of(f"phone,name\n{GOOD},{value}\n", message={"tts": "Hello {{ name }}"}).contacts()
    assert contact.text == f"Hello {value}"


@pytest.mark.parametrize("written", ["+49301234567.5", "+3584012345.25", "0301234567.5", "+39347123456.7"])
def test_a_number_with_decimals_is_never_another_number(audience_of, written):
    reject = only_reject(audience_of(f"phone\n{written}\n", country="DE"))
    assert "this is a decimal number" in reject.reason
