"""Phone numbers: parsed into E.164, the only form that is stored; printed only in a masked form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from dialer import numbering
from dialer.number_refusals import HOW_TO_WRITE, invalid, spreadsheet_damage, unreadable
from dialer.number_refusals import BadPhoneNumber as BadPhoneNumber
from dialer.number_refusals import NoCountryCode as NoCountryCode

TWO_NUMBERS = re.compile(r"(?:\d[\s().-]*){7}[,;/|]\s*(?:[+(]*\d[\s().-]*){7}")
MIN_TELLING_DIGITS = 8  # a national number so long is not a house number or the like
E164 = re.compile(r"\+[1-9]\d{6,14}")


class BadCountry(ValueError):
    """No country has this code; `suggestion` says what to write."""

    def __init__(self, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True, order=True)
class PhoneNumber:
    """A number in E.164: `+` and 7 to 15 digits, else BadPhoneNumber. Printing it masks it; `.e164` is for dialing."""

    e164: str

    def __post_init__(self) -> None:
        if not E164.fullmatch(self.e164):
            raise BadPhoneNumber("a phone number here is '+' and 7 to 15 digits (E.164)", HOW_TO_WRITE)

    @property
    def digits(self) -> str:
        """The number without the plus, as networks write it (msisdn)."""
        return self.e164[1:]

    @property
    def masked(self) -> str:
        """The number with its middle hidden: `+1415*****01`."""
        return mask(self.e164)

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"PhoneNumber({self.masked})"


class ParsedNumber(NamedTuple):
    """A parsed number, and its match in a numbering plan if there was one."""

    number: PhoneNumber
    match: numbering.ValidNumber | None

    @property
    def zones(self) -> tuple[str, ...]:
        """The IANA time zones that it may be in, by its country and area; empty if not known."""
        match = self.match or numbering.match_number(self.number.e164)
        names: tuple[str, ...] = (match.zones if match else None) or _zones_by_phonenumbers(self.number.e164)
        return () if UNKNOWN_TIMEZONE in names else names


def zones(number: PhoneNumber) -> tuple[str, ...]:
    """The IANA time zones that this number may be in, by its country and area; empty if not known."""
    return ParsedNumber(number, numbering.match_number(number.e164)).zones


def _zones_by_phonenumbers(e164: str) -> tuple[str, ...]:
    return tuple(time_zones_for_number(phonenumbers.parse(e164)))


def mask(e164: str) -> str:
    """Hide the middle of a number, keeping its country and its last two digits."""
    head = min(5, max(len(e164) - 6, 2))
    return e164[:head] + "*" * (len(e164) - head - 2) + e164[-2:]


def country_named(text: str) -> str:
    """The country code (ISO 3166, two letters, upper case) in a text. Raises BadCountry."""
    code = text.strip().upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        hint = "did you mean GB?" if code == "UK" else "write US, GB, RU …"
        raise BadCountry(f'no country has the code "{text}"', hint)
    return code


def parse(text: str, country: str | None = None) -> PhoneNumber:
    """Parse a number as people write it; `country` (ISO 3166, two letters) completes one without a `+`.

    Raises BadPhoneNumber with the reason and a suggestion.
    """
    return parse_with_plan(text, country).number


def mentions(text: str, number: PhoneNumber) -> bool:
    """Whether a text contains this number, in national or international form, and is not another number."""
    national, country = _national_form(number.e164)
    digits = "".join(filter(str.isdecimal, text))
    if len(digits) < len(national) or national not in (digits := phonenumbers.normalize_digits_only(digits)):
        return False
    try:
        return parse(text, country) == number
    except BadPhoneNumber:
        return number.digits in digits or len(national) >= MIN_TELLING_DIGITS


@lru_cache(maxsize=16)
def _national_form(e164: str) -> tuple[str, str | None]:
    """The national number, and the country (None if it has none)."""
    number = phonenumbers.parse(e164)
    return phonenumbers.national_significant_number(number), phonenumbers.region_code_for_number(number)


def parse_with_plan(text: str, country: str | None = None) -> ParsedNumber:
    """`parse`, with the match in the numbering plan, which gives the time zones fast. Raises BadPhoneNumber."""
    match = numbering.match_number(text, country)
    return ParsedNumber(PhoneNumber(match.e164 if match else _parsed(text, country)), match)


def _parsed(text: str, country: str | None) -> str:
    """The number in E.164, read by phonenumbers."""
    written = text.strip().removeprefix("tel:").strip()
    _reject_obvious_mistakes(written)
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        raise unreadable(written, country) from None
    if number.extension:
        reason = f"a number with an extension ({number.extension}) cannot be called"
        raise BadPhoneNumber(reason, "remove the extension")
    if re.search(r"[^\W\d_]|\0", written):
        raise BadPhoneNumber("the number has letters in it", "write its digits")
    if written.startswith("+") and "(0)" in written:
        raise BadPhoneNumber("the zero in brackets is dialed only inside the country", "remove (0)")
    if not phonenumbers.is_valid_number(number):
        raise spreadsheet_damage(written, country) or invalid(number, is_whole=written.startswith("+"))
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _reject_obvious_mistakes(written: str) -> None:
    if not written:
        raise BadPhoneNumber("the number is empty", "write a number")
    if re.fullmatch(r"\d+(?:[.,]\d+)?[eE]\+?\d+", written):
        reason = "a spreadsheet has rounded this number to powers of ten; its last digits are lost"
        raise BadPhoneNumber(reason, "format the column as text and export it again")
    if not any(map(str.isdigit, written)) and not re.search(r"[^\W\d_]{5}", written):
        raise BadPhoneNumber("this is not a phone number: it has no digits", HOW_TO_WRITE)
    if written.count("+") > 1 or TWO_NUMBERS.search(written):
        raise BadPhoneNumber("two numbers stand in one place", "keep one of them")


NUMBER_IN_TEXT = re.compile(r"(?<![\w.-])\+?[1-9]\d{9,14}(?![\w-])")
