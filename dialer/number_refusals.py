"""Why digits are no number that can be called. A remedy is given only where obeying it gives the number meant."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult, shortnumberinfo

from dialer.number_errors import HOW_TO_WRITE, BadPhoneNumber, NoCountryCode
from dialer.written_number import dialable, digits_of, is_international

LONGEST_SHORT_NUMBER = 6
TELLING_SHORT_NUMBER = re.compile(r"\d{2,4}|116\d{3}")  # others may be what is left of a long number
RANGE = re.compile(r"(?P<first>.*\d)(?P<rest>\s*[-\u2010-\u2015\u2212]\s*\d{1,4})")
ZERO_IN_BRACKETS = re.compile(r"\(\s*0\s*\)")
OLD_MEXICAN = re.compile(r"(?P<code>(?:\+|00|011)52|)(?P<dropped>044|045|01|1)(?P<number>\d{10})")  # until 2019


def valid_number(written: str, country: str | None) -> str | None:
    """The valid number (E.164) that the digits of a plain text make; None if they make none."""
    try:
        number = phonenumbers.parse(dialable(written), country)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def reject_zero_in_brackets(written: str) -> None:
    """Raise BadPhoneNumber for a `(0)` after a country code, which most countries dial at home only."""
    if not is_international(written) or not ZERO_IN_BRACKETS.search(written):
        return
    without, kept = (valid_number(ZERO_IN_BRACKETS.sub(zero, written), None) for zero in ("", "0"))
    reason = "the zero in brackets is dialed only inside the country"
    if kept and kept != without:
        raise BadPhoneNumber(
            "it is not sure that the zero in brackets is dialed" if without else "the zero is a part of the number",
            HOW_TO_WRITE if without else "write the 0 without brackets",
        )
    raise BadPhoneNumber(reason, "remove (0)" if without else HOW_TO_WRITE)


def refusal(written: str, country: str | None) -> BadPhoneNumber:
    """The error for a plain text whose digits are no valid number."""
    known = (
        _range(written, country)
        or _emergency_or_short(written, country)
        or _dropped_in_mexico(written, country)
        or _lost_in_a_spreadsheet(written, country)
    )
    if known:
        return known
    try:
        number = phonenumbers.parse(dialable(written), country)
    except NumberParseException as exc:
        return _unreadable(written, country, exc.error_type)
    return _invalid(number, is_whole=is_international(written))


def _range(written: str, country: str | None) -> BadPhoneNumber | None:
    """The error for a whole number with a few more digits behind a dash."""
    more = RANGE.fullmatch(written)
    if more is None or not valid_number(more["first"], country):
        return None
    reason = f'the number ends before "{more["rest"].strip()}", which stands for a range of numbers or an extension'
    return BadPhoneNumber(reason, "keep one number, with all of its digits")


def _unreadable(written: str, country: str | None, error: int) -> BadPhoneNumber:
    """The error for digits that phonenumbers cannot parse."""
    digits = digits_of(written)
    if country is None and not is_international(written) and error != NumberParseException.TOO_LONG:
        return NoCountryCode("the number has no country code", "write '+' and the country code before it")
    if error == NumberParseException.INVALID_COUNTRY_CODE:
        code = digits if is_international(written) else digits.lstrip("0")
        reason = f"no country has a code that begins with +{code[:3]}"
        return BadPhoneNumber(reason, _without_zeros(digits, country) or "correct what follows the plus")
    if error == NumberParseException.TOO_LONG:
        reason = f"the number is too long: it has {_count(digits)}"
        return BadPhoneNumber(reason, "remove the digits that are too many")
    return BadPhoneNumber(f"the number is too short: it has {_count(digits)}", "write all of its digits")


def _without_zeros(digits: str, country: str | None) -> str | None:
    """What to do about zeros after the plus, if that gives a number."""
    if not digits.startswith("0"):
        return None
    if country and valid_number(digits, country):
        return "remove the plus"
    return "remove the zeros after the plus" if valid_number(f"+{digits.lstrip('0')}", None) else None


def _emergency_or_short(written: str, country: str | None) -> BadPhoneNumber | None:
    """The error for an emergency number, or another short number of a network, which no list may have."""
    digits, region = digits_of(written), country
    if is_international(written):
        code = next(
            (code for code in (1, 2, 3) if int(digits[:code] or 0) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), 0
        )
        region, digits = phonenumbers.region_code_for_country_code(int(digits[:code] or 0)), digits[code:]
    if not 2 <= len(digits) <= LONGEST_SHORT_NUMBER:
        return None
    if _is_emergency(digits, region):
        return BadPhoneNumber(
            f"{digits} is an emergency number, which is never called", "write a number that a person has"
        )
    if region and TELLING_SHORT_NUMBER.fullmatch(digits) and _is_short(digits, region):
        return BadPhoneNumber(f"{digits} is a short number of {region}'s networks, which is no person's", HOW_TO_WRITE)
    return None


@lru_cache(maxsize=1024)
def _is_emergency(digits: str, region: str | None) -> bool:
    regions = [region] if region else phonenumbers.SUPPORTED_REGIONS
    return any(shortnumberinfo.is_emergency_number(digits, one) for one in regions)


def _is_short(digits: str, region: str) -> bool:
    code = phonenumbers.country_code_for_region(region)
    number = phonenumbers.PhoneNumber(country_code=code, national_number=int(digits))
    return not digits.startswith("0") and bool(shortnumberinfo.is_valid_short_number_for_region(number, region))


def _dropped_in_mexico(written: str, country: str | None) -> BadPhoneNumber | None:
    """The error for a Mexican number with the digits that were dialed before it until 2019."""
    old_form = OLD_MEXICAN.fullmatch(dialable(written))
    if old_form is None or not (old_form["code"] or country == "MX") or not valid_number(old_form["number"], "MX"):
        return None
    if not valid_number(old_form["code"] + old_form["number"], country):
        return None
    reason = f"the {old_form['dropped']} before the ten digits of Mexican numbers is not dialed any more"
    return BadPhoneNumber(reason, f"remove the {old_form['dropped']}{' after the 52' if old_form['code'] else ''}")


def _lost_in_a_spreadsheet(written: str, country: str | None) -> BadPhoneNumber | None:
    """The error for a number that lost its plus or leading zero in a spreadsheet; None if it did not."""
    digits = digits_of(written)
    if is_international(written) or not digits:
        return None
    if country and _is_at_home(f"0{digits}", country):
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


def _is_at_home(digits: str, country: str) -> bool:
    """Whether these digits are a number of this country; not one abroad, behind the international prefix."""
    e164 = valid_number(digits, country)
    return e164 is not None and e164.startswith(f"+{phonenumbers.country_code_for_region(country)}")


def _region_abroad(digits: str) -> str | None:
    """The region of the valid number that these digits would be with a plus before them; None if there is none."""
    e164 = valid_number(f"+{digits}", None)
    return phonenumbers.region_code_for_number(phonenumbers.parse(e164)) if e164 else None


def _invalid(number: phonenumbers.PhoneNumber, *, is_whole: bool) -> BadPhoneNumber:
    """The error for a number that parses, and that no network has."""
    national = phonenumbers.national_significant_number(number)
    code = number.country_code or 0
    region = phonenumbers.region_code_for_country_code(code)
    where = f"+{code}" if region in {"001", "ZZ"} else region
    reason = phonenumbers.is_possible_number_with_reason(number)
    has, have = _count(national), _lengths(region)
    of = f"it has {has}{f' after +{code}' if is_whole else ''}, and numbers of {where} have {have}"
    if reason == ValidationResult.TOO_LONG:
        return BadPhoneNumber(f"the number is too long: {of}", "remove the digits that are too many")
    if reason in {ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY}:
        return BadPhoneNumber(f"the number is too short: {of}", "write all of its digits")
    if reason == ValidationResult.INVALID_LENGTH:
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
