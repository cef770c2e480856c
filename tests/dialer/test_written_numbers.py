"""What people, spreadsheets and programs make of a number is read as that number, or refused: never as another one."""

from __future__ import annotations

import unicodedata
from random import Random

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat as Form

from dialer.phone import BadPhoneNumber, parse
from tests.support.draws import times

COUNTRIES = sorted(phonenumbers.SUPPORTED_REGIONS)
ASSIGNED = (*range(0x40000), *range(0xE0000, 0xF0000))  # in the other planes no character is, or none that is public
SEPARATORS = sorted(
    {sign for sign in map(chr, ASSIGNED) if unicodedata.category(sign) in {"Zs", "Cf", "Pd"}}
    | set("·•_:\\\t\n\u2028'’()~\ufe0f")
)


@pytest.mark.parametrize(
    ("written", "country", "e164"),
    [
        ("4930123456.0", "DE", "+4930123456"),  # pandas, and LibreOffice, as soon as a column has a blank
        ("+358401234567.0", None, "+358401234567"),
        ("+393471234567.0", "DE", "+393471234567"),
        ("628123456789.0", "ID", "+628123456789"),
        ("436641234567.0", "AT", "+436641234567"),
        ("+3725123456,0", None, "+3725123456"),  # with a decimal comma
        ("+64212345678.00", None, "+64212345678"),
        ("+35318001234.000", None, "+35318001234"),
        ("0049 30 123456.0", "DE", "+4930123456"),
        ("4155550101.0", "US", "+14155550101"),
        ("٤٩٣٠١٢٣٤٥٦٫٠", "DE", "+4930123456"),  # with the Arabic decimal sign
        ("4.930.123.456,00", "DE", "+4930123456"),
        ("4,930,123,456.0", "DE", "+4930123456"),
    ],
)
def test_decimals_that_a_spreadsheet_adds_are_no_digits_of_the_number(written, country, e164):
    assert parse(written, country).e164 == e164


@pytest.mark.parametrize(
    ("written", "country", "e164"),
    [
        ("06.12.34.50.00", "FR", "+33612345000"),
        ("+33.6.12.34.50.00", None, "+33612345000"),
        ("06 12 34 50.00", "FR", "+33612345000"),
        ("20.12.34.00", "DK", "+4520123400"),
        ("(415) 555.0000", "US", "+14155550000"),
        ("415.555.0100", "US", "+14155550100"),
    ],
)
def test_zeros_after_a_point_that_only_groups_the_digits_stay(written, country, e164):
    assert parse(written, country).e164 == e164


@pytest.mark.parametrize(
    ("written", "country"),
    [
        ("4,930,123,456", "DE"),
        ("4.930.123.456", "DE"),
        ("4'930'123'456", "DE"),
        ("4’930’123’456", "DE"),
        ("4 930 123 456", "DE"),
        ("4,93,01,23,456", "DE"),  # as in India
        ("4\u202f930\u202f123\u202f456", "DE"),
    ],
)
def test_thousands_signs_only_group_the_digits(written, country):
    assert parse(written, country).e164 == "+4930123456"


@pytest.mark.parametrize("separator", SEPARATORS, ids=lambda one: f"U+{ord(one):04X}")
def test_whatever_unicode_has_to_separate_digits_separates_them(separator):
    assert parse(separator.join(["06", "12", "34", "56", "78"]), "FR").e164 == "+33612345678"
    assert parse(separator.join(["+33", "6", "12", "34", "56", "78"])).e164 == "+33612345678"
    assert parse(f"{separator}+1{separator}(415){separator}555-0101{separator}").e164 == "+14155550101"


@pytest.mark.parametrize(
    ("written", "country", "e164"),
    [
        ('="+14155550101"', None, "+14155550101"),
        ("“+14155550101”", None, "+14155550101"),
        ("'+14155550101", None, "+14155550101"),
        ("TEL:+1-415-555-0101", None, "+14155550101"),
        ("(+1) 415 555 0101", None, "+14155550101"),
        ("030/1234567", "DE", "+49301234567"),
        ("+43 1 / 5130 0", None, "+43151300"),
        ("0171/123/4567", "DE", "+491711234567"),
        ("0512/34567", "AT", "+4351234567"),
        ("06/12345678", "IT", "+390612345678"),
        ("0476/12.34.56", "BE", "+32476123456"),
        ("030 1234-56", "DE", "+4930123456"),
        ("030 1234–56", "DE", "+4930123456"),
        ("030 - 1234 - 12", "DE", "+4930123412"),
        ("030-1234 - 5678", "DE", "+493012345678"),
        ("(030-1234)", "DE", "+49301234"),
        ("+1 212-555 - 0123", None, "+12125550123"),
    ],
)
def test_signs_around_a_number_and_between_its_area_and_the_rest_are_no_part_of_it(written, country, e164):
    assert parse(written, country).e164 == e164


@pytest.mark.parametrize(
    ("written", "country"),
    [
        ("+49 30 1234-56/57", None),
        ("030 123456 / 7", "DE"),
        ("030 1234-56, 57", "DE"),
        ("030 1234-56–59", "DE"),
        ("030 1234-56 bis 57", "DE"),
        ("030 123456 und 57", "DE"),
        ("0512/34567-12/13", "AT"),
        ("06 1234567/8", "IT"),
        ("020 7946 0018/9", "GB"),
        ("+14155550101.0 / 02", None),
        ("06 12 34 56 81 & 06 12 34 56 82", "FR"),
        ("06 12 34 56 83 06 12 34 56 84", "FR"),
        ("06 12 34 56 83\n06 12 34 56 84", "FR"),
        ("06 12 34 56 83 or 06 12 34 56 84", "FR"),
        ("06 12 34 56 83 \\ 06 12 34 56 84", "FR"),
        ("06 12 34 56 83 | 06 12 34 56 84", "FR"),
        ("+1 (415) 555-0101 (415) 555-0102", None),
        ("+14155550101+14155550102", None),
        ("0301234 0305678", "DE"),  # together they are as long as one
        ("030 1234-12..19", "DE"),
        ("030 1234-12...19", "DE"),
        ("0512 34567...69", "AT"),
        ("030 1234 (12-19)", "DE"),
        ("030 1234-12 - 19", "DE"),
        ("+43 512 34567-0 - 99", None),
    ],
)
def test_two_numbers_in_one_cell_are_two(written, country):
    with pytest.raises(BadPhoneNumber, match="two numbers stand in one place"):
        parse(written, country)


@pytest.mark.parametrize(
    ("written", "country", "reason"),
    [
        ("030 12345.00", "DE", "may be a part of the number or decimals"),
        ("6123450.00", "FR", r'without the "\.00" at its end, .*too short: it has 7 digits'),
        ("+33612.0", None, r'without the "\.0" at its end, .*too short'),
        ("4930123456.5", "DE", "a decimal number"),
        ("+1.4155550101E+10", None, "powers of ten"),
        ('=HYPERLINK("tel:+14155550101","+1 415 555 0101")', None, "this is a formula"),
        ('=CONCATENATE("+1","4155550101")', None, "this is a formula"),
        ("30.11.2026", "DE", "this is a date"),  # each is as long as a number of the country
        ("2026-11-30", "DK", "this is a date"),
        ("30/11/2026 07:00", "NO", "this is a date"),
        ("11/30/2026", "SG", "this is a date"),
        ("1.2.1987", "AT", "this is a date"),
        ("4,930123456 E9", "DE", "powers of ten"),
        ("++14155550101", None, "two pluses stand before one number"),
        ("415 555 0101 +1", "US", "a plus stands inside"),
        ("*67 4155550101", "US", r"the sign \*"),
        ("4155550101?", "US", r"the sign \?"),
        ("4155550101,,5", "US", r"extension \(5\)"),
        ("+00 999 1234567", None, "no country has a code"),
        ("00999 1234567", "DE", r"no country has a code that begins with \+999"),
        ("112", "DE", "112 is an emergency number"),
        ("+1 911", None, "911 is an emergency number"),
        ("999", "GB", "999 is an emergency number"),
        ("110", None, "110 is an emergency number"),
        ("116123", "DE", "short number"),
        ("988", "US", "short number"),
    ],
)
def test_what_is_no_number_is_refused_for_the_right_reason(written, country, reason):
    with pytest.raises(BadPhoneNumber, match=reason):
        parse(written, country)


@pytest.mark.parametrize(
    ("written", "country", "remedy", "obeyed", "e164"),
    [
        ("044 55 4163 7145", "MX", "remove the 044", "55 4163 7145", "+525541637145"),
        ("045 55 4163 7145", "MX", "remove the 045", "55 4163 7145", "+525541637145"),
        ("01 55 4163 7145", "MX", "remove the 01", "55 4163 7145", "+525541637145"),
        ("+52 1 55 4163 7146", None, "remove the 1 after the 52", "+52 55 4163 7146", "+525541637146"),
        ("+52 (044) 55 4163 7146", None, "remove the 044 after the 52", "+52 55 4163 7146", "+525541637146"),
        ("011 52 1 55 4163 7146", "US", "remove the 1 after the 52", "011 52 55 4163 7146", "+525541637146"),
        ("0052 1 55 4163 7146", "DE", "remove the 1 after the 52", "0052 55 4163 7146", "+525541637146"),
        ("1 55 4163 7146", "MX", "remove the 1", "55 4163 7146", "+525541637146"),
        ("+39 (0)6 69812345", None, "write the 0 without brackets", "+39 06 69812345", "+390669812345"),
        ("+44 (0)20 7946 0018", None, "remove (0)", "+44 20 7946 0018", "+442079460018"),
        ("+030 123456", "DE", "remove the plus", "030 123456", "+4930123456"),
        ("+0 1 415 555 0101", None, "remove the zeros after the plus", "+1 415 555 0101", "+14155550101"),
        ("669812345", "IT", "write the 0 again", "0669812345", "+390669812345"),
    ],
)
def test_a_remedy_that_is_obeyed_gives_the_number_that_was_meant(written, country, remedy, obeyed, e164):
    with pytest.raises(BadPhoneNumber) as refused:
        parse(written, country)
    assert remedy in refused.value.suggestion
    assert parse(obeyed, country).e164 == e164


@pytest.mark.parametrize("text", ["1,", "1 ", ".", "+", "\n", "(0)", "1/", "\u202f", "'", "-1 "])
def test_a_long_text_is_refused_at_once(text):
    """A cell may hold a megabyte: a pattern that looked for a number in all of it would not come to an end."""
    with pytest.raises(BadPhoneNumber):
        parse(f"1{text * 500_000}1", "DE")


@pytest.mark.slow
@pytest.mark.drawn
@pytest.mark.parametrize("country", COUNTRIES)
def test_a_lost_zero_is_never_to_be_written_where_it_leads_abroad(country):
    rng = Random(country)
    code = phonenumbers.country_code_for_region(country)
    for _ in range(times(20)):
        digits = str(rng.randrange(10 ** rng.randrange(6, 12)))
        for written in (digits, f"0{digits}"):
            try:
                parse(written, country)
            except BadPhoneNumber as refused:
                if "write the 0 again" in refused.suggestion:
                    assert parse(f"0{written}", country).e164.startswith(f"+{code}"), written


def valid_numbers() -> st.SearchStrategy[phonenumbers.PhoneNumber]:
    """Valid numbers of every country, with any last digits."""

    def near(country: str, kind: int, last: int) -> phonenumbers.PhoneNumber | None:
        number = phonenumbers.example_number_for_type(country, kind)
        if number is None:
            return None
        number.national_number = number.national_number // 1000 * 1000 + last
        return number if phonenumbers.is_valid_number(number) else None

    kinds = st.sampled_from([phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
    built = st.builds(near, st.sampled_from(COUNTRIES), kinds, st.integers(0, 999))
    return built.filter(lambda number: number is not None)


def as_read(written: str, country: str | None) -> str | None:
    try:
        return parse(written, country).e164
    except BadPhoneNumber as refused:
        return None if str(refused) and refused.suggestion else "refused without its reason and remedy"


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(valid_numbers(), st.sampled_from([".0", ",0", ".00", ",00", ".000000"]), st.sampled_from(SEPARATORS))
@example(phonenumbers.parse("+4930123456"), ".0", "\u202f")
def test_a_number_as_a_program_or_a_spreadsheet_writes_it_is_that_number_or_refused(number, tail, separator):
    e164 = phonenumbers.format_number(number, Form.E164)
    country = phonenumbers.region_code_for_number(number)
    international = phonenumbers.format_number(number, Form.INTERNATIONAL)
    national = phonenumbers.format_number(number, Form.NATIONAL)
    significant = phonenumbers.national_significant_number(number)
    assert as_read(e164, None) == e164
    in_lines = {None} if separator in "\r\n" else set()  # a line each is how two numbers are written, too
    assert as_read(international.replace(" ", separator), None) in {e164} | in_lines
    assert as_read(phonenumbers.format_number(number, Form.RFC3966), None) == e164
    assert as_read(e164 + tail, None) == e164
    assert as_read(f'="{e164}"', None) == e164
    assert as_read(international + tail, None) in {e164, None}
    home = as_read(national, country)
    assert as_read(national.replace(" ", separator), country) in {home, None}
    assert as_read(national + tail, country) in {home, None}
    assert as_read(significant + tail, country) in {as_read(significant, country), None}
    assert as_read(f"{float(e164[1:]):E}".replace("E", " E"), country) is None
    assert as_read(f"{int(e164[1:]):,}", country) in {as_read(e164[1:], country), None}
    assert as_read(f"{e164} / {e164[-2:]}", None) is None
    assert as_read(f"{e164}\n{e164}", None) is None
