"""Plans say what phonenumbers would say, or leave it to phonenumbers: held against it over all countries and forms."""

from __future__ import annotations

from random import Random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers.timezone import time_zones_for_number

from dialer.numbering import match_number
from tests.support.draws import times

COUNTRIES = sorted(phonenumbers.SUPPORTED_REGIONS)
WRITTEN = st.from_regex(r"\A *\+?[0-9 ().\-]{1,20}\Z", fullmatch=True)


def asked(written: str, country: str | None) -> str | None:
    """What phonenumbers itself says; None for no valid number."""
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if valid else None


def agrees(written: str, country: str | None) -> bool:
    """Whether a plan answered; fails when it answered anything but phonenumbers' own answer, in zones too."""
    told = match_number(written, country)
    if told is None:
        return False
    assert told.e164 == asked(written, country), (written, country)
    if told.is_local or not shares_its_code(told.e164):
        for there in (told.zones, zones_of(told.e164)):
            assert not there or there == tuple(time_zones_for_number(phonenumbers.parse(told.e164))), told.e164
    return True


def shares_its_code(e164: str) -> bool:
    """Whether several regions have the number's country code: phonenumbers then gives the zones of all of them."""
    code = phonenumbers.parse(e164).country_code
    return len(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]) > 1


def zones_of(e164: str) -> tuple[str, ...] | None:
    told = match_number(e164)
    return told.zones if told else None


def kinds(country: str):
    for kind in phonenumbers.PhoneNumberType.values():
        if number := phonenumbers.example_number_for_type(country, kind):
            yield number


def near(digits: str, rng: Random) -> str:
    """The number with a digit changed, added or missing."""
    place = rng.randrange(len(digits))
    change = rng.choice(["", str(rng.randrange(10)), digits[place] + str(rng.randrange(10))])
    return digits[:place] + change + digits[place + 1 :]


@pytest.mark.slow
@pytest.mark.parametrize("country", COUNTRIES)
def test_a_plan_agrees_with_phonenumbers_on_and_around_every_countrys_numbers(country):
    rng = Random(country)
    for number in kinds(country):
        national = phonenumbers.national_significant_number(number)
        home = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        for _ in range(8):
            agrees(f"+{near(f'{number.country_code}{national}', rng)}", rng.choice([None, country, "US", "RU"]))
            agrees(near(national, rng), country)
            agrees(f"{number.country_code}{near(national, rng)}", country)
            agrees(rng.choice(["0", "8", "1", "00", ""]) + national, country)
        agrees(f"+{number.country_code} {national}", None)
        agrees(home, country)
        agrees(near(home, rng), country)


@pytest.mark.slow
@pytest.mark.drawn
@settings(max_examples=times(350), deadline=None)
@given(WRITTEN, st.sampled_from([None, *COUNTRIES]))
def test_a_plan_agrees_with_phonenumbers_on_anything_written(written, country):
    agrees(written, country)


@pytest.mark.parametrize(
    ("written", "country"),
    [
        ("+14155550101", None),
        ("(415) 555-0101", "US"),
        ("1 415 555 0101", "US"),
        ("+7 912 000-00-00", None),
        ("8 (912) 000-00-00", "RU"),
        ("020 7946 0123", "GB"),
        ("+49 30 23125 123", "US"),
        ("+1 204 555 0123", None),
    ],
)
def test_numbers_as_most_lists_have_them_are_told_by_a_plan(written, country):
    assert agrees(written, country)
    told = match_number(written, country)
    assert told
    assert told.zones
