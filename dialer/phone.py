"""Phone numbers: E.164 is the only form we store, and a masked form is the only one we print."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import phonenumbers
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from dialer import numbering

E164 = re.compile(r"\+[1-9]\d{6,14}")


class BadPhoneNumber(ValueError):
    """This is not a number that can be called; the message says why, `suggestion` what to try."""

    def __init__(self, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.suggestion = suggestion


class BadCountry(ValueError):
    """No country has this code; `suggestion` says what to write."""

    def __init__(self, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True, order=True)
class PhoneNumber:
    """A number in E.164: `+` and seven to fifteen digits. Printing it shows the mask; ask for `.e164` to dial."""

    e164: str

    def __post_init__(self) -> None:
        if not E164.fullmatch(self.e164):
            raise BadPhoneNumber("a phone number here is '+' and 7 to 15 digits (E.164)")

    @property
    def digits(self) -> str:
        """The number as networks write it, without the plus."""
        return self.e164[1:]

    @property
    def masked(self) -> str:
        """Enough to recognise, too little to call: `+1415*****01`."""
        return mask(self.e164)

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"PhoneNumber({self.masked})"


class Read(NamedTuple):
    """A number as it was read, and what its numbering plan knows of it."""

    number: PhoneNumber
    known: numbering.Known | None

    @property
    def zones(self) -> tuple[str, ...]:
        """The IANA time zones that it may be in, by its country and area; none where nobody can tell."""
        found: tuple[str, ...] = (self.known.zones if self.known else None) or _zones_asked(self.number.e164)
        return () if UNKNOWN_TIMEZONE in found else found


def zones(number: PhoneNumber) -> tuple[str, ...]:
    """The IANA time zones that this number may be in, by its country and area; none where nobody can tell."""
    return Read(number, numbering.known(number.e164)).zones


def _zones_asked(e164: str) -> tuple[str, ...]:
    return tuple(time_zones_for_number(phonenumbers.parse(e164)))


def mask(e164: str) -> str:
    """Hide the middle of a number, keeping its country and its last two digits."""
    head = min(5, max(len(e164) - 6, 2))
    return e164[:head] + "*" * (len(e164) - head - 2) + e164[-2:]


def country_named(text: str) -> str:
    """A country's code (ISO 3166, two letters) as numbers are completed by. Raises BadCountry."""
    code = text.strip().upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        hint = "did you mean GB?" if code == "UK" else "write US, GB, RU …"
        raise BadCountry(f'no country has the code "{text}"', hint)
    return code


def parse(text: str, country: str | None = None) -> PhoneNumber:
    """Read a number as people write it; `country` (ISO 3166, two letters) completes one without a `+`.

    Raises BadPhoneNumber with the reason, and a suggestion where there is one.
    """
    return read(text, country).number


def read(text: str, country: str | None = None) -> Read:
    """The same, with what the numbering plan has told on the way. Raises BadPhoneNumber."""
    known = numbering.known(text, country)
    return Read(PhoneNumber(known.e164 if known else _parsed(text, country)), known)


def _parsed(text: str, country: str | None) -> str:
    """The number in E.164, read by phonenumbers."""
    written = text.strip().removeprefix("tel:")
    if not written:
        raise BadPhoneNumber("the number is empty")
    if re.fullmatch(r"\d+(?:[.,]\d+)?[eE]\+?\d+", written):
        raise BadPhoneNumber(
            "a spreadsheet has rounded this number to powers of ten; its last digits are lost",
            "format the column as text and export it again",
        )
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException as exc:
        raise _damage(written, country) or _unreadable(exc, country) from None
    if number.extension:
        raise BadPhoneNumber("a number with an extension cannot be called", "remove the extension")
    if re.search(r"[^\W\d_]|\0", written):
        raise BadPhoneNumber("the number has letters in it", "write its digits")
    if written.startswith("+") and "(0)" in written:
        raise BadPhoneNumber("the zero in brackets is dialed only inside the country", "remove (0)")
    if not phonenumbers.is_valid_number(number):
        raise _damage(written, country) or BadPhoneNumber(_why_invalid(number), "check the digits and the country")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _damage(written: str, country: str | None) -> BadPhoneNumber | None:
    """What a spreadsheet does to a number that it takes for a quantity: the plus goes, the zeros before it go."""
    digits = re.sub(r"\D", "", written, flags=re.ASCII)
    if written.startswith("+") or not digits or re.search(r"[^\W\d_]", written):
        return None
    remedy = "format the column as text, and write the numbers again"
    if country and _is_valid(f"0{digits}", country):
        return BadPhoneNumber("the zero at its beginning is lost, as spreadsheets lose it", remedy)
    if not digits.startswith("0") and _is_valid(f"+{digits}", None):
        return BadPhoneNumber(
            "the plus at its beginning is lost, as spreadsheets lose it", "write '+' before it, in a column of text"
        )
    return None


def _is_valid(written: str, country: str | None) -> bool:
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(written, country)))
    except phonenumbers.NumberParseException:
        return False


def _unreadable(exc: phonenumbers.NumberParseException, country: str | None) -> BadPhoneNumber:
    if exc.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE and not country:
        return BadPhoneNumber(
            "the number has no country code",
            "write it with '+' and the country code, or set contacts.country",
        )
    return BadPhoneNumber("this is not a phone number", "write it as '+', country code, number")


def _why_invalid(number: phonenumbers.PhoneNumber) -> str:
    reasons = {
        phonenumbers.ValidationResult.TOO_SHORT: "the number is too short",
        phonenumbers.ValidationResult.TOO_LONG: "the number is too long",
        phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "no country has this code",
        phonenumbers.ValidationResult.INVALID_LENGTH: "the number has a wrong length for its country",
    }
    possible = phonenumbers.is_possible_number_with_reason(number)
    return reasons.get(possible, "no network has this number")
