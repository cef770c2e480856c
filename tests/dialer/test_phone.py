"""Phone numbers as people and spreadsheets write them."""

from __future__ import annotations

import re
from random import Random

import phonenumbers
import pytest
from phonenumbers.timezone import time_zones_for_number

from dialer.phone import BadCountry, BadPhoneNumber, PhoneNumber, country_named, mask, mentions, parse, zones


@pytest.mark.parametrize(
    ("written", "country", "e164"),
    [
        ("+14155550100", None, "+14155550100"),
        ("+1 (415) 555-0100", None, "+14155550100"),
        ("(415) 555-0100", "US", "+14155550100"),
        ("415.555.0100", "US", "+14155550100"),
        (" 4155550100 ", "US", "+14155550100"),
        ("1 415 555 0100", "US", "+14155550100"),
        ("+7 926 000-00-00", None, "+79260000000"),  # the same number as the next
        ("89260000000", "RU", "+79260000000"),  # 8 is the trunk prefix
        ("\u202a+14155550100", None, "+14155550100"),  # an invisible mark from a contact list
        ("＋１４１５５５５０１００", None, "+14155550100"),  # full-width digits
        ("00 1 415 555 0100", "DE", "+14155550100"),  # the international prefix of the country
    ],
)
def test_a_number_is_read_as_it_is_written(written, country, e164):
    assert parse(written, country) == PhoneNumber(e164)


@pytest.mark.parametrize(
    ("written", "country", "reason", "remedy"),
    [
        ("", None, "empty", "write a number"),
        ("   ", "US", "empty", "write a number"),
        ("n/a", "US", "not a phone number: it has no digits", "country code, number"),
        ("call me", "US", "not a phone number: it has no digits", "country code, number"),
        ("call Bob on 5", "US", "not a phone number", "country code, number"),
        ("+1 415 555 HELP", None, "letters", "its digits"),
        ("4155550100", None, "no country code", r"'\+' and the country code"),
        ("7.926E+10", None, "powers of ten", "format the column as text"),
        ("4,15556e+9", "US", "powers of ten", "format the column as text"),
        ("79260000000", None, r"plus at its beginning is lost.*RU", r"'\+' and the country code"),
        ("6465550123", None, r"or its country code \(with a plus: NZ\)", r"'\+' and the country code"),
        ("442079460123", "US", "no number of US; with a plus it would be one of GB", "country code, number"),
        ("669368345", "IT", r"zero at its beginning is lost.*IT", "write the 0 again"),
        ("+44 (0) 20 7946 0018", None, "brackets", r"remove \(0\)"),
        ("+1415555", None, r"too short: it has 6 digits after \+1, and numbers of US have 10", "all of its digits"),
        ("415555010", "US", "too short: it has 9 digits, and numbers of US have 10", "all of its digits"),
        ("5", "US", "too short: it has 1 digit", "all of its digits"),
        ("+141555501001234", None, r"too long: it has 14 digits after \+1", "too many"),
        ("020 7946 0123", "US", "too long: it has 11 digits, and numbers of US have 10", "too many"),
        ("+999123456789", None, r"no country has a code that begins with \+999", "what follows the plus"),
        ("+0 415 555 0100", None, r"begins with \+041", "what follows the plus"),
        ("+1 111 555 0100", None, "no network of US has such a number", "correct its digits"),  # no such area code
        ("+14155550100 ext. 5", None, r"extension \(5\)", "remove the extension"),
        ("+14155550100 / +14155550101", None, "two numbers", "keep one"),
        ("+48 22 123 45 67-69", None, 'ends before "-69".* a range of numbers or an extension', "keep one number"),
        ("+48 22 123 45 67 – 69", None, 'ends before "(–|-) 69"', "keep one number"),
        ("22 123 45 67-9", "PL", 'ends before "-9"', "keep one number"),
        ("(415) 555-0100-12", "US", 'ends before "-12"', "keep one number"),
        ("+33 1 23 45 67 89-90", None, 'ends before "-90"', "keep one number"),
        ("(415) 555-0100, (415) 555-0101", "US", "two numbers", "keep one"),
    ],
)
def test_a_number_that_cannot_be_called_says_why_and_what_to_do(written, country, reason, remedy):
    with pytest.raises(BadPhoneNumber, match=reason) as refused:
        parse(written, country)
    assert re.search(remedy, refused.value.suggestion)
    assert "contacts." not in refused.value.suggestion, "not every number stands in a campaign's list"


def test_a_printed_number_cannot_be_called():
    number = PhoneNumber("+14155550100")
    assert str(number) == "+1415*****00"
    assert "55501" not in f"{number} {number!r} {[number]}"


@pytest.mark.parametrize("e164", ["+79260000000", "+1234567", "+123456789012345"])
def test_a_mask_keeps_the_length_and_hides_the_middle(e164):
    assert len(mask(e164)) == len(e164)
    assert mask(e164).count("*") >= 3
    assert mask(e164)[-2:] == e164[-2:]


@pytest.mark.parametrize("wrong", ["14155550100", "+0123456789", "+1415555010a", "", "+1"])
def test_only_e164_is_a_phone_number(wrong):
    with pytest.raises(BadPhoneNumber):
        PhoneNumber(wrong)


@pytest.mark.slow
def test_numbers_told_by_their_area_are_told_as_the_whole_number_is():
    """North American numbers are judged once for each area and exchange: it must not matter which one came first."""
    rng = Random(5)
    for _ in range(4000):
        written = f"+1{rng.randrange(200, 1000)}{rng.randrange(0, 1000):03}{rng.randrange(10_000):04}"
        whole = phonenumbers.parse(written)
        try:
            told = parse(written)
        except BadPhoneNumber:
            assert not phonenumbers.is_valid_number(whole)
        else:
            assert phonenumbers.is_valid_number(whole)
            assert set(zones(told)) <= set(time_zones_for_number(whole)) - {"Etc/Unknown"}


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("+14155550100", True),
        ("(415) 555-0100", True),
        ("1-415-555-0100", True),
        ("0014155550100", True),
        ("call +1 415 555 0100, in the evening", True),
        ("4155550100 / 4155550199", True),
        ("٤١٥٥٥٥٠١٠٠", True),  # in other digits
        ("+524155550100", False),  # a Mexican number that ends as this one does
        ("5550100", False),
        ("+14155550101", False),
        ("Ann", False),
    ],
)
def test_a_text_that_holds_a_number_is_told_from_one_that_holds_anothers(text, there):
    assert mentions(text, PhoneNumber("+14155550100")) is there


def test_the_few_digits_of_a_small_country_are_no_number_by_themselves():
    example = phonenumbers.example_number("TK")
    digits, one = str(example.national_number), PhoneNumber(f"+690{example.national_number}")
    assert mentions(digits, one)
    assert not mentions(f"house 1{digits} B", one)
    assert mentions(f"call 690 {digits} please", one)


@pytest.mark.parametrize("text", ["ß", "ﬁ", "ĳ", "İN", "１"])  # some of which are two letters in capitals
def test_what_is_not_two_latin_letters_is_no_country(text):
    with pytest.raises(BadCountry):
        country_named(text)
