"""An amount is read as its author meant it, or refused; never a thousandfold, never with a sign dropped."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.definition.speech.amounts import NotAnAmount, decimals_of, read_amount, rounded
from campaigns.definition.speech.languages import language_named
from campaigns.definition.speech.quantity import Quantity
from campaigns.definition.templates import BadText, Template

SAID = [  # currency, language, as written, said
    # an amount with more decimals than the currency is rounded
    ("USD", "en", "33.3333333333333", "33.33 US dollars"),
    ("USD", "en", "1250.505", "1,250.51 US dollars"),
    ("USD", "en", "0.125", "0.13 US dollars"),
    ("USD", "en", "49.9951", "50 US dollars"),
    ("USD", "en", "12.3450", "12.35 US dollars"),
    ("USD", "en", "-33.3333333333333", "-33.33 US dollars"),
    ("USD", "en", "1,250.505", "1,250.51 US dollars"),
    # no thousands that cannot be
    ("USD", "en", "0,500", "0.50 US dollars"),
    ("USD", "en", "0.750", "0.75 US dollars"),
    ("USD", "en", "0.5", "0.50 US dollars"),
    ("EUR", "de", "1250,505", "1.250,51 Euro"),
    # a currency's own decimals
    ("KWD", "en", "12.500", "12.500 Kuwaiti dinars"),
    ("KWD", "en", "0.750", "0.750 Kuwaiti dinars"),
    ("BHD", "en", "1,250.750", "1,250.750 Bahraini dinars"),
    ("TND", "fr", "12,500", "12,500 dinars tunisiens"),
    ("OMR", "en", "3.1", "3.100 Omani rials"),
    ("JPY", "ja", "1250", "1,250円"),
    ("JPY", "en", "¥1,250", "1,250 Japanese yen"),
    ("JPY", "en", "1250.4", "1,250 Japanese yen"),
    ("CLF", "en", "1.2345", "1.2345 Chilean units of account (UF)"),
    ("RSD", "en", "12.50", "12.50 Serbian dinars"),
    # without a leading zero, with signs, in other digits
    ("USD", "en", ".50", "0.50 US dollars"),
    ("USD", "en", ",50", "0.50 US dollars"),
    ("USD", "en", "-.50", "-0.50 US dollars"),
    ("USD", "en", "\u22125", "-5 US dollars"),
    ("USD", "en", "-$5", "-5 US dollars"),
    ("USD", "en", "$-5.00", "-5 US dollars"),
    ("USD", "en", "-0.00", "0 US dollars"),
    ("EGP", "en", "١٬٢٥٠٫٥", "1,250.50 Egyptian pounds"),
    ("USD", "en", "\u200e12.50\u200e", "12.50 US dollars"),
    # thousands as people write them
    ("USD", "en", "1,250", "1,250 US dollars"),
    ("USD", "en", "$1,250.50", "1,250.50 US dollars"),
    ("CHF", "en", "1'250.50", "1,250.50 Swiss francs"),
    ("CHF", "de", "Fr. 1’250.–", "1.250 Schweizer Franken"),
    ("INR", "en", "₹1,00,000.00", "100,000 Indian rupees"),
    ("INR", "en", "Rs.50", "50 Indian rupees"),
    ("BRL", "en", "R$ 1.250,00", "1,250 Brazilian reals"),
    ("EUR", "fr", "1 250", "1 250 euros"),
    ("USD", "en", "1\u202f250", "1,250 US dollars"),
    ("EUR", "en", "1.250.000", "1,250,000 euros"),
    ("NOK", "nb", "50,-", "50 norske kroner"),
    ("PLN", "pl", "12,50 zł", "12,50 złotego polskiego"),
    ("USD", "en", "USD 12", "12 US dollars"),
    ("USD", "en", "12 dollars", "12 US dollars"),
]
REFUSED = [  # currency, as written, why
    ("USD", "(5.00)", "parentheses"),
    ("USD", "($5)", "parentheses"),
    ("USD", "5-", "beside the amount"),
    ("USD", "1/2", "more than one number"),
    ("USD", "½", "not an amount"),
    ("USD", "5²", "beside the amount"),
    ("USD", "1e3", "more than one number"),
    ("USD", "1E+3", "more than one number"),
    ("USD", "1.25E+15", "more than one number"),
    ("USD", "50%", "beside the amount"),
    ("USD", "1,2,3", "groups of three"),
    ("USD", "12,34.5", "groups of three"),
    ("USD", "1.2.3", "groups of three"),
    ("USD", "12a", "beside the amount"),
    ("USD", "1O0", "more than one number"),
    ("USD", "5k", "beside the amount"),
    ("USD", "2 million", "beside the amount"),
    ("USD", "about 5", "beside the amount"),
    ("USD", "5 cents", "beside the amount"),
    ("USD", "5 6", "groups of three"),
    ("USD", "5.00 10.00", "not an amount"),
    ("USD", "5 or 6", "more than one number"),
    ("USD", "5; 6", "more than one number"),
    ("USD", "100 200", "two amounts"),
    ("USD", "2026-12-05", "more than one number"),
    ("USD", "05.12.2026", "groups of three"),
    ("USD", "12/5/2026", "more than one number"),
    ("USD", "2026-12-05T15:00", "more than one number"),
    ("USD", "12:30", "more than one number"),
    ("USD", "\u20135", "beside the amount"),
    ("USD", "--5", "not an amount"),
    ("USD", "€50", "does not mean USD"),
    ("EUR", "$50", "does not mean EUR"),
    ("USD", "50 GBP", "does not mean USD"),
    ("USD", "0.001", "smallest unit"),
    ("JPY", "0.4", "smallest unit"),
    ("USD", "4111111111111111", "16 digits"),
    ("USD", "TRUE", "not an amount"),
    # a thousand, or one and a fraction
    ("USD", "1.250", "can mean 1250 or 1.250"),
    ("USD", "12.345", "can mean 12345 or 12.345"),
    ("EUR", "1,250", "can mean 1250 or 1.250"),
    ("KWD", "12,500", "can mean 12500 or 12.500"),
    ("JPY", "12.345", "can mean 12345 or 12.345"),
]


def said(currency: str, written: str, *, language: str = "en", decimal: str | None = None) -> str:
    sign = f', decimal="{decimal}"' if decimal else ""
    return Template(f'{{{{ a | money("{currency}", "{language}"{sign}) }}}}').render({"a": written})


@pytest.mark.parametrize(("currency", "language", "written", "words"), SAID)
def test_an_amount_is_said_as_its_author_meant_it(currency, language, written, words):
    assert said(currency, written, language=language) == words


@pytest.mark.parametrize(("currency", "written", "why"), REFUSED)
def test_what_is_no_amount_or_may_be_two_is_refused_with_the_reason(currency, written, why):
    with pytest.raises(BadText) as refused:
        said(currency, written)
    assert why in str(refused.value)
    assert refused.value.suggestion
    assert refused.value.value == written


def test_a_text_can_say_how_its_list_writes_decimals():
    assert said("USD", "1.250", decimal=",") == "1,250 US dollars"
    assert said("USD", "12.345", decimal=".") == "12.35 US dollars"
    assert said("EUR", "1,250", decimal=".") == "1,250 euros"
    assert said("EUR", "1.250,5", decimal=",") == "1,250.50 euros"
    assert said("EUR", "33,3333", decimal=",") == "33.33 euros"


@pytest.mark.parametrize(
    ("shown", "number", "words"),
    [
        ("12.345", "12.345", "12.35 US dollars"),
        ("1.250", "1.250", "1.25 US dollars"),
        ("$1250.50", "1250.50", "1,250.50 US dollars"),
        ("-$5.00", "-5.00", "-5 US dollars"),
        ("0.125", "0.125", "0.13 US dollars"),
    ],
)
def test_a_number_of_a_sheet_is_its_number(shown, number, words):
    assert said("USD", Quantity(shown, Decimal(number))) == words


@pytest.mark.parametrize("shown", ["1250.50 €", "12.5 kg", "£5.00"])
def test_a_number_of_a_sheet_that_is_no_amount_of_the_currency_is_refused(shown):
    with pytest.raises(BadText, match="does not mean USD"):
        said("USD", Quantity(shown, Decimal("5.00")))


@pytest.mark.parametrize(("written", "decimal"), [("33.33", ","), ("1,250,000", ","), ("1.250,50", "."), ("12,5", ".")])
def test_an_amount_written_otherwise_than_the_text_says_is_refused(written, decimal):
    with pytest.raises(BadText, match="is not written with"):
        said("EUR", written, decimal=decimal)


def test_a_decimal_sign_is_a_point_or_a_comma():
    with pytest.raises(BadText, match="decimal is"):
        said("EUR", "1", decimal=";")


def test_no_separator_turns_an_amount_into_thousands_of_it():
    """A fraction of no or of four and more digits, and one behind a zero or four digits, has one meaning."""
    english = language_named("en")
    for written in ("0.123", "00.125", "1234.567", "12345.678", "1.2345", "12.34567", "123.4567890"):
        for sign in ".,":
            assert read_amount(written.replace(".", sign), "USD", english) == Decimal(written)


EXPORTS = {
    "pandas": lambda amount: repr(float(amount)),
    "LibreOffice, general": lambda amount: f"{float(amount):.15g}",
    "Excel, general, German": lambda amount: f"{float(amount):.11g}".replace(".", ","),
    "Excel, 0.00": lambda amount: f"{amount:.2f}",
    "Excel, #,##0.00": lambda amount: f"{amount:,.2f}",
    "Excel, #,##0.00, German": lambda amount: f"{amount:,.2f}".translate(str.maketrans(",.", ".,")),
    "Excel, #,##0.00, French": lambda amount: f"{amount:,.2f}".translate(str.maketrans({",": "\u202f", ".": ","})),
    "Excel, #,##0.00, Swiss": lambda amount: f"{amount:,.2f}".replace(",", "’"),
    "Numbers, currency": lambda amount: f"${amount:,.2f}".replace("$-", "-$"),
    "Excel, accounting": lambda amount: f"({-amount:,.2f})" if amount < 0 else f" ${amount:,.2f} ",
    "ISO 4217": lambda amount: f"USD {amount:.2f}",
    "SAP": lambda amount: f"{abs(amount):.2f}{'-' if amount < 0 else ' '}",
    "integers": lambda amount: str(int(amount)) if amount == int(amount) else f"{amount:.1f}",
}


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(
    st.decimals("-9999999", "9999999", places=4), st.sampled_from(sorted(EXPORTS)), st.sampled_from(["en", "de", "fr"])
)
def test_an_amount_as_a_program_writes_it_is_read_as_meant_or_refused(amount, program, language):
    written = EXPORTS[program](amount)
    currency = "EUR" if "German" in program or "French" in program else "USD"
    try:
        nearest = rounded(read_amount(written, currency, language_named(language)), currency)
    except NotAnAmount:
        return
    precise = {"Excel, general, German": Decimal("0.01")}.get(program, Decimal("0.0051"))
    assert abs(nearest - amount) <= (Decimal("0.051") if program == "integers" else precise)


@pytest.mark.slow
@given(st.decimals("0", "99999", places=6), st.sampled_from(["USD", "KWD", "JPY", "CLF"]))
def test_an_amount_is_rounded_to_what_the_currency_has(amount, currency):
    unit = Decimal(1).scaleb(-decimals_of(currency))
    try:
        nearest = rounded(amount, currency)
    except NotAnAmount:
        assert 0 < amount < unit
        return
    assert nearest == amount.quantize(unit, ROUND_HALF_UP)
