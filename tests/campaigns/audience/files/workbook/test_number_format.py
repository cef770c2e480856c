"""A number is read as its format shows it; what cannot be shown is named."""

from __future__ import annotations

import pickle
from decimal import Decimal

import pytest

from campaigns.audience.files.workbook.clock_format import NotShown
from campaigns.audience.files.workbook.number_format import NumberFormat
from campaigns.definition.speech.quantity import Quantity

ACCOUNTING = '_-* #,##0.00\\ _€_-;\\-* #,##0.00\\ _€_-;_-* "-"??\\ _€_-;_-@_-'
LOCAL_PHONE = "[<=9999999]###-####;(###) ###-####"


@pytest.mark.parametrize(
    ("code", "stored", "seen"),
    [
        ("General", "14155550101", "14155550101"),
        ("General", "1.4155550101E10", "14155550101"),
        ("General", "33.333333333333336", "33.33333333"),
        ("General", "0.30000000000000004", "0.3"),
        ("General", "-5", "-5"),
        ("General", "1.2345E-5", "1.2345E-05"),
        ("[DBNum1]General", "5", "5"),
        ("@", "12", "12"),
        # leading zeros
        ("00000", "1234", "01234"),
        ("00000", "1234567", "1234567"),
        ("0000000000", "612345678", "0612345678"),
        ("00 00 00 00 00", "612345678", "06 12 34 56 78"),
        ("000-00-0000", "12345678", "012-34-5678"),
        ("000\\.000", "12", "000.012"),
        # signs before and behind
        ('"+33"0', "612345678", "+33612345678"),
        ("\\+0", "14155550101", "+14155550101"),
        ("+0", "14155550101", "+14155550101"),
        ("(###) ###-####", "4155550101", "(415) 555-0101"),
        (LOCAL_PHONE, "4155550101", "(415) 555-0101"),
        (LOCAL_PHONE, "5550101", "555-0101"),
        ('0" kg"', "3", "3 kg"),
        ('"No. "0', "7", "No. 7"),
        ('General" km"', "12", "12 km"),
        # decimals, rounded as spreadsheets do
        ("0.00", "33.333333333333336", "33.33"),
        ("0.00", "12.345", "12.35"),
        ("0.00", "0.125", "0.13"),
        ("0.00", "49.995", "50.00"),
        ("0", "2.5", "3"),
        ("0", "-0.4", "0"),
        ("0.##", "5", "5"),
        ("0.##", "5.1", "5.1"),
        ("#.00", "0.5", ".50"),
        ("#,##0.00", "1250.505", "1250.51"),
        ("#,##0", "1250.5", "1251"),
        ('0,"K"', "12500", "13K"),
        ('0.0,,"M"', "12500000", "12.5M"),
        ("0%", "0.5", "50%"),
        ("0.0%", "0.1234", "12.3%"),
        # currencies and signs
        ('"$"#,##0.00', "1250.5", "$1250.50"),
        ('"$"#,##0.00', "-1250.5", "-$1250.50"),
        ('"$"#,##0.00_);[Red]\\("$"#,##0.00\\)', "-1250.5", "-$1250.50"),
        ("#,##0.00\\ [$€-407]", "1250.5", "1250.50 €"),
        ("0.00;[Red]0.00", "-5", "-5.00"),
        ("0;(0)", "-5", "-5"),
        ('0.00" CR";0.00" DR"', "-3", "3.00 DR"),
        (ACCOUNTING, "-12.5", "-12.50"),
        (ACCOUNTING, "0", "0"),
        ('"yes";"no";"none"', "-1", "no"),
        (";;;", "5", ""),
        # exponents and fractions
        ("0.00E+00", "14155550101", "1.42E+10"),
        ("##0.0E+0", "12345", "12.3E+3"),
        ("0.00E+00", "0.00012", "1.20E-04"),
        ("0E+0", "9.9", "1E+1"),
        ("# ?/?", "1.5", "1 1/2"),
        ("# ?/?", "-0.25", "-1/4"),
        ("# ??/??", "3.14159", "3 14/99"),
        ("# ?/8", "1.375", "1 3/8"),
        ("?/?", "1.5", "3/2"),
        # dates, times, durations
        ("yyyy-mm-dd", "46361", "2026-12-05"),
        ("dd/mm/yyyy hh:mm", "46361.62499999", "2026-12-05T15:00"),
        ("dd/mm/yyyy hh:mm", "46361.625347", "2026-12-05T15:00"),
        ("yyyy-mm-dd hh:mm:ss", "46361.624999988", "2026-12-05T15:00"),
        ("yyyy-mm-dd hh:mm:ss", "46361.62534722", "2026-12-05T15:00:30"),
        ("m/d/yy", "46361.625", "2026-12-05"),
        ("[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "46361", "2026-12-05"),
        ("[$-419]d mmm;@", "46361", "2026-12-05"),
        ('yyyy"年"m"月"d"日"', "46361", "2026-12-05"),
        ("h:mm AM/PM", "0.625", "15:00"),
        ("h:mm", "46361.625", "15:00"),
        ("mmm yyyy", "46361", "Dec 2026"),
        ("mm/yy", "46361", "12/26"),
        ("dddd", "46361", "Saturday"),
        ("[h]:mm", "1.104166666666667", "26:30"),
        ("[mm]:ss", "0.0625", "90:00"),
        ('[h]"h "mm"m"', "1.1", "26h 24m"),
        ("mm:ss.0", "0.003819444", "5:30"),
        ("[hh]:mm", "0.0625", "1:30"),
        ("yyyy-mm-dd", "59", "1900-02-28"),
        ("yyyy-mm-dd", "61", "1900-03-01"),
        (r"yyyy\-mm\-dd\Thh:mm:ss\Z", "46361.625", "2026-12-05T15:00Z"),  # an offset is a part of the moment
        ('yyyy-mm-dd hh:mm "UTC"', "46361", "2026-12-05T00:00Z"),
        ('yyyy-mm-dd hh:mm:ss.000"+02:00"', "46361.625", "2026-12-05T15:00+02:00"),
        ('hh:mm" GMT"', "0.625", "15:00Z"),
        ('dd.mm.yyyy hh:mm "Uhr"', "46361.625", "2026-12-05T15:00"),
    ],
)
def test_a_number_is_what_its_format_shows(code, stored, seen):
    assert NumberFormat(code).show(stored) == seen


@pytest.mark.parametrize(
    ("code", "stored", "number"),
    [
        ("General", "12.345", "12.345"),
        ("0.000", "12.345", "12.345"),
        ("0.00", "12.345", "12.35"),
        ("#,##0.00\\ [$€-407]", "1250.5", "1250.50"),
        ('"$"#,##0.00;("$"#,##0.00)', "-1250.5", "-1250.50"),
        ("0.00;[Red]0.00", "-5", "-5.00"),
    ],
)
def test_a_quantity_keeps_its_value_beside_its_text(code, stored, number):
    quantity = NumberFormat(code).show(stored)
    assert isinstance(quantity, Quantity)
    assert quantity.number == Decimal(number)
    assert quantity.strip() is quantity
    assert b"Quantity" not in pickle.dumps(quantity)  # it goes to the ledger as text


@pytest.mark.parametrize("code", ["0%", "0,", '"+33"0', "(###) ###-####", "# ?/?", "0.0E+0", "00000"])
def test_what_a_format_makes_another_thing_is_no_quantity(code):
    assert not isinstance(NumberFormat(code).show("612345678"), Quantity)


@pytest.mark.parametrize(
    ("code", "stored", "named"),
    [
        ("General", "1234567890123456", "more than 15 digits"),
        ("0", "1E15", "more than 15 digits"),
        ("yyyy-mm-dd", "-1", "#####"),
        ("[h]:mm", "-0.5", "#####"),
        ("yyyy-mm-dd", "2958466", "#####"),
        ("yyyy-mm-dd h:mm:ss", "2958465.99999999", "#####"),  # rounded to the second it is in the year 10000
        ("yyyy-mm-dd", "0", "zero as a date"),
        ("0", "nan", "no number"),
        ("General", "inf", "no number"),
    ],
)
def test_what_cannot_be_shown_is_named(code, stored, named):
    with pytest.raises(NotShown, match=named) as refused:
        NumberFormat(code).show(stored)
    assert refused.value.remedy


def test_days_are_counted_from_1904_where_the_workbook_says_so():
    assert NumberFormat("yyyy-mm-dd h:mm", from_1904=True).show("44899.625") == "2026-12-05T15:00"
    assert NumberFormat("yyyy-mm-dd", from_1904=True).show("0") == "1904-01-01"
    with pytest.raises(NotShown, match="#####"):
        NumberFormat("yyyy-mm-dd", from_1904=True).show("2958465")


@pytest.mark.parametrize(
    ("code", "text", "seen"),
    [
        ("General", "Ann", "Ann"),
        ("0.00", "Ann", "Ann"),
        ("@", "007", "007"),
        ('"Dr. "@', "Who", "Dr. Who"),
        ('"+33"@', "612345678", "+33612345678"),
        ('0;0;0;@" (text)"', "x", "x (text)"),
        (";;;", "secret", ""),
    ],
)
def test_a_text_is_what_its_format_shows(code, text, seen):
    assert NumberFormat(code).show_text(text) == seen
