"""Why a text is not a phone number that can be called, and what to write instead."""

from __future__ import annotations

import re

import phonenumbers

HOW_TO_WRITE = "write it as '+', country code, number"


class BadPhoneNumber(ValueError):
    """The text is not a number that can be called; the message says why, `suggestion` what to write."""

    def __init__(self, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.suggestion = suggestion


class NoCountryCode(BadPhoneNumber):
    """The number is in national form, and no country is known."""


def unreadable(written: str, country: str | None) -> BadPhoneNumber:
    """The error for a text that phonenumbers cannot parse."""
    digits = _digits(written)
    if written.startswith("+") and digits:
        return BadPhoneNumber(f"no country has a code that begins with +{digits[:3]}", "correct what follows the plus")
    if not digits or re.search(r"[^\W\d_]", written):
        return BadPhoneNumber("this is not a phone number", HOW_TO_WRITE)
    damage = spreadsheet_damage(written, country)
    if damage or country:
        return damage or BadPhoneNumber(f"the number is too short: it has {_count(digits)}", "write all of its digits")
    return NoCountryCode("the number has no country code", "write '+' and the country code before it")


def spreadsheet_damage(written: str, country: str | None) -> BadPhoneNumber | None:
    """The error for a number that lost its plus or leading zero in a spreadsheet; None if it did not."""
    digits = _digits(written)
    if written.startswith("+") or not digits or re.search(r"[^\W\d_]", written):
        return None
    if country and _is_valid(f"0{digits}", country):
        return BadPhoneNumber(
            f"the zero at its beginning is lost, as spreadsheets lose it ({country})",
            "format the column as text, and write the 0 again",
        )
    region = None if digits.startswith("0") else _region_abroad(digits)
    if region is None:
        return None
    if country and region != country:
        reason = f"this is no number of {country}; with a plus it would be one of {region}"
        return BadPhoneNumber(f"{reason}: the plus at its beginning is lost, or digits are wrong", HOW_TO_WRITE)
    return BadPhoneNumber(
        f"the plus at its beginning is lost, as spreadsheets lose it, or its country code (with a plus: {region})",
        "write '+' and the country code, in a column of text",
    )


def invalid(number: phonenumbers.PhoneNumber, *, is_whole: bool) -> BadPhoneNumber:
    """The error for a number that parses, and that no network has."""
    national = phonenumbers.national_significant_number(number)
    code = number.country_code or 0
    region = phonenumbers.region_code_for_country_code(code)
    where = f"+{code}" if region in {"001", "ZZ"} else region
    reason = phonenumbers.is_possible_number_with_reason(number)
    has, have = _count(national), _lengths(region)
    of = f"it has {has}{f' after +{code}' if is_whole else ''}, and numbers of {where} have {have}"
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        return BadPhoneNumber(f"the number is too long: {of}", "remove the digits that are too many")
    if reason in {phonenumbers.ValidationResult.TOO_SHORT, phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY}:
        return BadPhoneNumber(f"the number is too short: {of}", "write all of its digits")
    if reason == phonenumbers.ValidationResult.INVALID_LENGTH:
        return BadPhoneNumber(f"the number has a wrong length: {of}", "write all of its digits, and no others")
    return BadPhoneNumber(f"no network of {where} has such a number", "correct its digits")


def _lengths(region: str) -> str:
    """The lengths of a region's numbers, as a text: `10`, `9 or 10`, `7 to 11`."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    desc = metadata.general_desc if metadata else None
    lengths = sorted(length for length in (desc.possible_length if desc else ()) if length > 0)
    if len(lengths) > 2:
        return f"{lengths[0]} to {lengths[-1]}"
    return " or ".join(map(str, lengths)) or "another length"


def _count(digits: str) -> str:
    return "1 digit" if len(digits) == 1 else f"{len(digits)} digits"


def _digits(written: str) -> str:
    return re.sub(r"\D", "", written, flags=re.ASCII)


def _region_abroad(digits: str) -> str | None:
    """The region of the valid number that these digits would be with a plus before them; None if there is none."""
    try:
        number = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.region_code_for_number(number) if phonenumbers.is_valid_number(number) else None


def _is_valid(written: str, country: str) -> bool:
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(written, country)))
    except phonenumbers.NumberParseException:
        return False
