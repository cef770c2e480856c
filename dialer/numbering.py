"""Numbering plans, compiled: which texts are surely a valid number, told in a microsecond instead of a hundred.

A plan says yes only where phonenumbers would, with the same number, and None where it is not sure; then phonenumbers
itself decides. A test holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc

PLAIN = re.compile(r"[ '\t]*(\+?)[ ]?([\d ().\-]+)", re.ASCII)
SIGNS = str.maketrans("", "", " ().-")
LONGEST_CODE = 3
WORLDWIDE = "001"
KINDS = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip"),
    *("personal_number", "pager", "uan", "voicemail"),
)

Matches = Callable[[str], re.Match[str] | None]
NOTHING = r"(?!)"
NEVER = re.compile(NOTHING).match
REGIONS = {str(code): regions for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()}


def surely(written: str, country: str | None) -> str | None:
    """The number in E.164 when it is surely valid, None when phonenumbers has to be asked."""
    plain = PLAIN.fullmatch(written)
    if plain is None or "(0)" in written:
        return None
    digits = plain[2].translate(SIGNS)
    if plain[1]:
        return _international(digits)
    plan = _plan(country) if country else None
    return plan.national(digits) if plan else None


def _international(digits: str) -> str | None:
    for length in range(1, LONGEST_CODE + 1):
        plans = _plans(digits[:length])
        if plans is not None:
            return f"+{digits}" if plans and _is_valid(plans, digits[length:]) else None
    return None


class Plan:
    """The numbers of one region: those that are valid there, and those that reading would change."""

    def __init__(self, metadata: PhoneMetadata) -> None:
        general = metadata.general_desc or PhoneNumberDesc()
        self.code = str(metadata.country_code)
        self.valid: Matches = re.compile(_valid(metadata)).fullmatch
        self.leading: Matches | None = _prefix(metadata.leading_digits)
        self.changes: Matches = _prefix(metadata.national_prefix_for_parsing) or NEVER
        self._abroad: Matches = _prefix(metadata.international_prefix) or NEVER
        self._general: Matches = re.compile(general.national_number_pattern or NOTHING).fullmatch
        self._lengths = frozenset(general.possible_length) - frozenset(general.possible_length_local_only)
        self._cuts = not metadata.national_prefix_transform_rule  # a trunk prefix is taken away, not rewritten

    def national(self, digits: str) -> str | None:
        """A number written as at home, with or without the trunk prefix."""
        if self._abroad(digits):
            return None
        prefix = self.changes(digits)
        if prefix is None:
            return self._e164(digits) if self._general(digits) else None
        trunk, rest = digits[: prefix.end()], digits[prefix.end() :]
        if not self._cuts or self._general(digits) or self.changes(rest):
            return None
        if digits.startswith(self.code) and trunk != self.code:
            return None
        return self._e164(rest)

    def _e164(self, national: str) -> str | None:
        if len(national) not in self._lengths:
            return None
        return f"+{self.code}{national}" if _is_valid(_plans(self.code) or (), national) else None


def _is_valid(plans: Sequence[Plan], national: str) -> bool:
    """Whether the first region that knows the number finds it valid. The main region's rules decide how it is read."""
    if national[:1] == "0" or not plans or plans[0].changes(national):
        return False
    for plan in plans:
        if plan.leading is not None:
            if plan.leading(national):
                return bool(plan.valid(national))
        elif plan.valid(national):
            return True
    return False


@lru_cache(maxsize=2048)
def _plans(code: str) -> tuple[Plan, ...] | None:
    """The plans that share a country code, the main one first; none for a code of no country; None for no code."""
    regions = REGIONS.get(code)
    if regions is None:
        return None
    return () if WORLDWIDE in regions else tuple(plan for region in regions if (plan := _plan(region)))


@lru_cache(maxsize=512)
def _plan(region: str) -> Plan | None:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    return Plan(metadata) if metadata else None


def _valid(metadata: PhoneMetadata) -> str:
    """One pattern for every kind of number that the region has."""
    kinds = [_pattern(getattr(metadata, name)) for name in KINDS]
    return f"(?={_pattern(metadata.general_desc)}$)(?:{'|'.join(kinds)})"


def _pattern(kind: PhoneNumberDesc | None) -> str:
    """A kind's own pattern, held to its lengths where it names any."""
    if kind is None or not kind.national_number_pattern:
        return NOTHING
    lengths = "|".join(rf"\d{{{length}}}$" for length in kind.possible_length if length > 0)
    return f"(?={lengths})(?:{kind.national_number_pattern})"


def _prefix(pattern: str | None) -> Matches | None:
    return re.compile(pattern).match if pattern else None
