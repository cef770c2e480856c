"""Phone numbers as people and spreadsheets write them."""

from __future__ import annotations

from random import Random

import phonenumbers
import pytest
from phonenumbers.timezone import time_zones_for_number

from dialer.phone import BadPhoneNumber, PhoneNumber, mask, parse, zones


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
    ("written", "country", "reason"),
    [
        ("", None, "empty"),
        ("   ", "US", "empty"),
        ("4155550100", None, "no country code"),
        ("7.926E+10", None, "powers of ten"),
        ("4,15556e+9", "US", "powers of ten"),
        ("+1415555", None, "too short"),
        ("+141555501001234", None, "too long"),
        ("+999123456789", None, "country code"),
        ("+14155550100 ext. 5", None, "extension"),
        ("+1 415 555 HELP", None, "letters"),
        ("+44 (0) 20 7946 0018", None, "brackets"),
        ("call me", "US", "not a phone number"),
        ("+1 111 555 0100", None, "no network"),  # no such area code
    ],
)
def test_a_number_that_cannot_be_called_says_why(written, country, reason):
    with pytest.raises(BadPhoneNumber, match=reason):
        parse(written, country)


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
            assert set(zones(told)) == set(time_zones_for_number(whole)) - {"Etc/Unknown"}
