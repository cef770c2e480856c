"""Numbering plans, compiled: which texts are surely a valid number, told in a microsecond instead of a hundred.

A plan says yes only where phonenumbers would, with the same number, and None where it is not sure; then phonenumbers
itself decides. A test holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc, PhoneNumberType
from phonenumbers.phonenumberutil import is_number_type_geographical
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

PLAIN_NUMBER = re.compile(r"[ '\t]*(\+?)[ ]?([\d ().\-]+)", re.ASCII)
SEPARATORS = str.maketrans("", "", " ().-")
LONGEST_CODE = 3
WORLDWIDE = "001"
TYPES_WITHOUT_AREA = (
    *("premium_rate", "toll_free", "shared_cost", "voip"),
    *("personal_number", "pager", "uan", "voicemail"),
)
NUMBER_TYPES = ("fixed_line", "mobile", *TYPES_WITHOUT_AREA)

Matches = Callable[[str], re.Match[str] | None]
NOTHING = r"(?!)"
NEVER = re.compile(NOTHING).match
REGIONS = {str(code): regions for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()}


class ValidNumber(NamedTuple):
    """A number that is surely valid, and the plan of the region it belongs to."""

    code: str
    national: str
    plan: NumberingPlan

    @property
    def e164(self) -> str:
        """The form in which we keep it."""
        return f"+{self.code}{self.national}"

    @property
    def zones(self) -> tuple[str, ...] | None:
        """The time zones that phonenumbers would name; None when it has to be asked."""
        if self.plan.is_local(self.national):
            return _zones_of_area((self.code + self.national)[:TIMEZONE_LONGEST_PREFIX])
        return self.plan.zones


def match_number(written: str, country: str | None = None) -> ValidNumber | None:
    """The number when it is surely valid, None when phonenumbers has to be asked."""
    if written[:1] == "+" and written.isascii() and written[1:].isdigit():
        return _international(written[1:])
    plain = PLAIN_NUMBER.fullmatch(written)
    if plain is None or "(0)" in written:
        return None
    digits = plain[2].translate(SEPARATORS)
    if plain[1]:
        return _international(digits)
    plan = _plan(country) if country else None
    return plan.at_home(digits) if plan else None


@lru_cache(maxsize=65_536)
def _zones_of_area(digits: str) -> tuple[str, ...] | None:
    """By the longest prefix that is anywhere."""
    found = (TIMEZONE_DATA.get(digits[:length]) for length in range(len(digits), 0, -1))
    return next((zones for zones in found if zones), None)


def _international(digits: str) -> ValidNumber | None:
    for length in range(1, LONGEST_CODE + 1):
        code = digits[:length]
        if code in REGIONS:
            return _known(code, digits[length:])
    return None


class NumberingPlan:
    """The numbers of one region: those that are valid there, and those that reading would change."""

    def __init__(self, metadata: PhoneMetadata) -> None:
        general = metadata.general_desc or PhoneNumberDesc()
        self.code = str(metadata.country_code)
        self.valid: Matches = re.compile(_valid(metadata)).fullmatch
        self.leading: Matches | None = _prefix(metadata.leading_digits)
        self.changes: Matches = _prefix(metadata.national_prefix_for_parsing) or NEVER
        self.zones = _zones_of_area(self.code)  # of numbers that belong to no area
        self._elsewhere: Matches = re.compile(_any_of(metadata, TYPES_WITHOUT_AREA)).fullmatch
        self._fixed: Matches = re.compile(_pattern(metadata.fixed_line)).fullmatch
        self._mobiles_are_local = is_number_type_geographical(PhoneNumberType.MOBILE, int(self.code))
        self._abroad: Matches = _prefix(metadata.international_prefix) or NEVER
        self._general: Matches = re.compile(general.national_number_pattern or NOTHING).fullmatch
        self._lengths = frozenset(general.possible_length) - frozenset(general.possible_length_local_only)
        self._cuts = not metadata.national_prefix_transform_rule  # a trunk prefix is taken away, not rewritten

    def at_home(self, digits: str) -> ValidNumber | None:
        """A number written as at home, with or without the trunk prefix."""
        if self._abroad(digits):
            return None
        prefix = self.changes(digits)
        if prefix is None:
            return self._known(digits) if self._general(digits) else None
        trunk, rest = digits[: prefix.end()], digits[prefix.end() :]
        if not self._cuts or self._general(digits) or self.changes(rest):
            return None
        if digits.startswith(self.code) and trunk != self.code:
            return None
        return self._known(rest)

    def is_local(self, national: str) -> bool:
        """Whether a valid number belongs to an area, rather than to the country or to a person."""
        return not self._elsewhere(national) and (self._mobiles_are_local or bool(self._fixed(national)))

    def _known(self, national: str) -> ValidNumber | None:
        return _known(self.code, national) if len(national) in self._lengths else None


def _known(code: str, national: str) -> ValidNumber | None:
    """The number, by the first region of its country that knows it; none where the main region would read it anew."""
    plans = _plans(code)
    if not plans or national[:1] == "0" or plans[0].changes(national):
        return None
    for plan in plans:
        if plan.leading(national) if plan.leading else plan.valid(national):
            return ValidNumber(code, national, plan) if plan.leading is None or plan.valid(national) else None
    return None


@lru_cache(maxsize=512)
def _plans(code: str) -> tuple[NumberingPlan, ...]:
    """The plans of the regions that share a country code, the main one first; none for a code of no country."""
    plans = [_plan(region) for region in _regions(code)]
    return tuple(plan for plan in plans if plan) if plans and plans[0] else ()


def _regions(code: str) -> tuple[str, ...]:
    regions = REGIONS.get(code, ())
    return () if WORLDWIDE in regions else regions


@lru_cache(maxsize=512)
def _plan(region: str) -> NumberingPlan | None:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    return NumberingPlan(metadata) if metadata else None


def _valid(metadata: PhoneMetadata) -> str:
    """One pattern for every kind of number that the region has."""
    return f"(?={_pattern(metadata.general_desc)}$)(?:{_any_of(metadata, NUMBER_TYPES)})"


def _any_of(metadata: PhoneMetadata, kinds: Sequence[str]) -> str:
    return "|".join(_pattern(getattr(metadata, name)) for name in kinds)


def _pattern(kind: PhoneNumberDesc | None) -> str:
    """A kind's own pattern, held to its lengths where it names any."""
    if kind is None or not kind.national_number_pattern:
        return NOTHING
    lengths = "|".join(rf"\d{{{length}}}$" for length in kind.possible_length if length > 0)
    return f"(?={lengths})(?:{kind.national_number_pattern})"


def _prefix(pattern: str | None) -> Matches | None:
    return re.compile(pattern).match if pattern else None
