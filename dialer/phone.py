"""Phone numbers: parsed into E.164, the only form that is stored; printed only in a masked form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from dialer import number_identity, numbering, written_number
from dialer.number_errors import HOW_TO_WRITE
from dialer.number_errors import BadPhoneNumber as BadPhoneNumber
from dialer.number_errors import NoCountryCode as NoCountryCode
from dialer.number_kinds import NumberKind, kind_of
from dialer.number_refusals import refusal, reject_zero_in_brackets, valid_number
from dialer.written_number import (
    DecimalTail,
    are_two_numbers,
    decimal_tail,
    digits_of,
    reject_letters_and_signs,
    reject_mistakes,
)

TELLING_END = 4  # the end of a number is the same in all of its forms
MIN_TELLING_DIGITS = 8  # a national number so long is not a house number or the like
MIN_DIGITS, MAX_DIGITS = 7, 15
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

    @classmethod
    def of_valid(cls, e164: str) -> PhoneNumber:
        """The same for a text that is known to be E.164, without looking at it again."""
        number = object.__new__(cls)
        object.__setattr__(number, "e164", e164)
        return number

    @property
    def digits(self) -> str:
        """The number without the plus, as networks write it (msisdn)."""
        return self.e164[1:]

    @property
    def spellings(self) -> tuple[str, ...]:
        """All numbers (E.164) that reach the same phone, this one first."""
        return number_identity.spellings(self.e164)

    @property
    def identity(self) -> str:
        """The same text for all numbers that reach one phone: numbers are compared by it."""
        return number_identity.identity(self.e164)

    @property
    def masked(self) -> str:
        """The number with its middle hidden: `+1415*****01`."""
        return mask(self.e164)

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"PhoneNumber({self.masked})"


class ParsedNumber(NamedTuple):
    """A parsed number in E.164, and its match in a numbering plan if there was one."""

    e164: str
    match: numbering.ValidNumber | None

    @property
    def kind(self) -> NumberKind | None:
        """What sets it apart from a person's ordinary number; None for such a number."""
        if self.match and self.match.type != numbering.SET_APART:
            return None
        return kind_of(self.e164)

    @property
    def zones(self) -> tuple[str, ...]:
        """The IANA time zones that it may be in, by its country and area; empty if not known."""
        match = self.match or numbering.match_number(self.e164)
        names: tuple[str, ...] = (match.zones if match else None) or _zones_by_phonenumbers(self.e164)
        return () if UNKNOWN_TIMEZONE in names else names


def zones(number: PhoneNumber) -> tuple[str, ...]:
    """The IANA time zones that this number may be in, by its country and area; empty if not known."""
    return ParsedNumber(number.e164, numbering.match_number(number.e164)).zones


def _zones_by_phonenumbers(e164: str) -> tuple[str, ...]:
    return tuple(time_zones_for_number(phonenumbers.parse(e164)))


def is_ending(text: str) -> bool:
    """Whether these are digits, enough to find a number by its last ones."""
    return text.isascii() and text.isdigit() and len(text) >= number_identity.ENDING_DIGITS


def is_country(text: str) -> bool:
    """Whether it has the form of a country's code: two Latin letters."""
    return len(text) == 2 and text.isascii() and text.isalpha()


def country_of(number: PhoneNumber) -> str | None:
    """The country (two letters) that this number belongs to; None where it belongs to none, or to several alike."""
    return place_of(number.e164).country or None


class Place(NamedTuple):
    """Where a number belongs: its country (two letters, blank where it has none or several), area and calling code."""

    country: str
    area: str
    code: str


@lru_cache(maxsize=4096)
def place_of(e164: str) -> Place:
    """Where this number belongs; the area is blank for a number of a whole country or of a mobile phone."""
    number = phonenumbers.parse(e164)
    country = phonenumbers.region_code_for_number(number)
    code = str(number.country_code)
    if country not in phonenumbers.SUPPORTED_REGIONS:
        return Place("", "", code)
    digits = phonenumbers.length_of_geographical_area_code(number)
    return Place(country, phonenumbers.national_significant_number(number)[:digits], code)


def mask(e164: str) -> str:
    """Hide the middle of a number, keeping its country and its last two digits."""
    head = min(5, max(len(e164) - 6, 2))
    return e164[:head] + "*" * (len(e164) - head - 2) + e164[-2:]


def country_named(text: str) -> str:
    """The country code (ISO 3166, two letters, upper case) in a text. Raises BadCountry."""
    code = text.strip().upper() if text.isascii() else ""
    if code not in phonenumbers.SUPPORTED_REGIONS:
        hint = "did you mean GB?" if code == "UK" else "write US, GB, RU …"
        raise BadCountry(f'no country has the code "{text}"', hint)
    return code


def parse(text: str, country: str | None = None) -> PhoneNumber:
    """Parse a number as people write it; `country` (ISO 3166, two letters) completes one without a `+`.

    Raises BadPhoneNumber with the reason and a suggestion.
    """
    return PhoneNumber.of_valid(parse_with_plan(text, country).e164)


def mentions(text: str, number: PhoneNumber) -> bool:
    """Whether a text contains this number, in national or international form, and is not another phone's."""
    return any(_mentions(text, PhoneNumber(spelling)) for spelling in number.spellings)


def _mentions(text: str, number: PhoneNumber) -> bool:
    national, country = _national_form(number.e164)
    digits = "".join(filter(str.isdecimal, text))
    if not digits.isascii():
        digits = phonenumbers.normalize_digits_only(digits)
    if national[-TELLING_END:] not in digits:
        return False
    try:
        return parse(text, country).identity == number.identity
    except BadPhoneNumber:
        return national in digits and (number.digits in digits or len(national) >= MIN_TELLING_DIGITS)


@lru_cache(maxsize=16)
def _national_form(e164: str) -> tuple[str, str | None]:
    """The national number, and the country (None if it has none)."""
    number = phonenumbers.parse(e164)
    return phonenumbers.national_significant_number(number), phonenumbers.region_code_for_number(number)


def parse_with_plan(text: str, country: str | None = None) -> ParsedNumber:
    """`parse`, with the match in the numbering plan, which gives the time zones fast. Raises BadPhoneNumber."""
    match = numbering.match_number(text, country)
    return ParsedNumber(match.e164 if match else PhoneNumber(_parsed(text, country)).e164, match)


def _parsed(text: str, country: str | None) -> str:
    """The number in E.164, read by phonenumbers."""
    written = written_number.plain(text.strip())
    reject_mistakes(written)
    if tail := decimal_tail(written):
        return _read_without_decimals(written, tail, country)
    return _read(written, country)


def _read_without_decimals(written: str, tail: DecimalTail, country: str | None) -> str:
    """The number before a decimal tail, where that is one; never another number that the tail's zeros would make."""
    if not tail.is_zero:
        raise BadPhoneNumber(f'this is a decimal number: it ends in "{tail.tail}"', "format the column as text")
    grouped = None if tail.is_a_decimal or tail.tail[1:] == "0" else valid_number(written, country)
    if grouped and valid_number(tail.before, country) not in {None, grouped}:
        reason = f'its end, "{tail.tail}", may be a part of the number or decimals that a spreadsheet has added'
        raise BadPhoneNumber(reason, "write the number without points and commas")
    if grouped:
        return _read(written, country)
    try:
        return _read(tail.before, country)
    except BadPhoneNumber as exc:
        reason = f'without the "{tail.tail}" at its end, which a spreadsheet has added: {exc}'
        raise type(exc)(reason, exc.suggestion) from None


def _read(written: str, country: str | None) -> str:
    """The number in a plain text, and nothing else is in the text."""
    _reject_extension(written, country)
    if are_two_numbers(written, lambda part: _is_number(part.strip(), country)):
        raise BadPhoneNumber("two numbers stand in one place", "keep one of them, with all of its digits")
    reject_letters_and_signs(written)
    reject_zero_in_brackets(written)
    e164 = valid_number(written, country)
    if _are_two_in_a_row(written, country, is_number=e164 is not None):
        raise BadPhoneNumber("two numbers stand in one place", "keep one of them")
    if e164 is None:
        raise refusal(written, country)
    return e164


def _is_number(part: str, country: str | None) -> bool:
    """Whether a part of a text is a number by itself, with or without its decimals."""
    tail = decimal_tail(part)
    return any(valid_number(one, country) for one in ((part, tail.before) if tail else (part,)))


def _reject_extension(written: str, country: str | None) -> None:
    """Raise BadPhoneNumber for a number with an extension, or with pauses and digits to be dialed after it."""
    if not re.search(r"[^\W\d_]|[#;*]|,,", written):
        return
    try:
        extension = phonenumbers.parse(written, country).extension
    except phonenumbers.NumberParseException:
        return
    if extension:
        raise BadPhoneNumber(f"a number with an extension ({extension}) cannot be called", "remove the extension")


def _are_two_in_a_row(written: str, country: str | None, *, is_number: bool) -> bool:
    """Whether two numbers stand side by side. A text that is a number as a whole is two when the second has its 0."""
    if is_number and not numbering.may_be_two(written, digits_of(written)):
        return False
    for before, after in written_number.splits(written):
        first = valid_number(before, country)
        second = first and valid_number(after, country or _national_form(first)[1])
        if second and (not is_number or digits_of(after).startswith("0")):
            return True
    return False


AS_WRITTEN = re.compile(r"(?<![\w.])\+?\(?\d[\d\s().–/-]{5,22}\d(?!\w)")
DATE = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}(?!\d)")


def mask_written(text: str) -> str:
    """The text with whatever may be a phone number masked, however it is written: with blanks, dashes, brackets."""
    return AS_WRITTEN.sub(_mask_written, text)


def _mask_written(match: re.Match[str]) -> str:
    written = match.group()
    if DATE.match(written) or not MIN_DIGITS <= sum(map(str.isdigit, written)) <= MAX_DIGITS:
        return written
    return written[:3] + re.sub(r"\d", "*", written[3:-2]) + written[-2:]


NUMBER_IN_TEXT = re.compile(r"(?<![\w.-])\+?[1-9]\d{9,14}(?![\w-])")
