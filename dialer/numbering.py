"""A fast check for valid phone numbers: the numbering plans of phonenumbers, compiled into regular expressions.

It takes a microsecond instead of a hundred. A plan accepts a text only if phonenumbers would read the same valid number
in it; otherwise it returns None, and the caller asks phonenumbers. A test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc, PhoneNumberType
from phonenumbers.phonenumberutil import is_number_type_geographical
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

SEPARATORS = b" ().-"
DECIMAL_TAIL = re.compile(r"[^.]*\.(?:0+|\d\d?) *")
DAY, MONTH, YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
YEAR_LAST = rf"(?:{DAY}([-./]){MONTH}|{MONTH}([-./]){DAY})(?:\2|\3){YEAR}"
DATE = re.compile(rf"(?:{YEAR}([-./]){MONTH}\1{DAY}|{YEAR_LAST})(?:[ T,]+\d\d?[: .]\d\d.*)?")
RANGE_AT_END = re.compile(r"\(\d{1,4} ?[-–/] ?\d{1,4}\) *$|(?<=\d-\d) - \d{1,3} *$|(?<=\d-\d\d) - \d{1,3} *$")
SECOND_TRUNK_ZERO = re.compile(r"\d\D+0\d(?:\D*\d){4}")
LONGEST_DATE = 8
LONGEST_WITHOUT_DOUBT = 12
LONGEST_CODE = 3
LONGEST_TEXT = 400  # characters, of which most may be blanks and marks that nobody sees
WORLDWIDE = "001"
SET_APART, WITHOUT_AREA, FIXED, MOBILE = "set_apart", "without_area", "fixed", "mobile"
TYPES = {  # of numbers; one that has several is of the first
    SET_APART: ("premium_rate", "shared_cost", "personal_number", "pager", "uan", "voicemail"),
    WITHOUT_AREA: ("toll_free", "voip"),
    FIXED: ("fixed_line",),
    MOBILE: ("mobile",),
}

Matches = Callable[[str], re.Match[str] | None]
NOTHING = r"(?!)"
NEVER = re.compile(NOTHING).match
REGIONS = {str(code): regions for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()}


class ValidNumber(NamedTuple):
    """A valid number in E.164, the plan of its region, and which of the `TYPES` it is."""

    e164: str
    plan: NumberingPlan
    type: str

    @property
    def is_local(self) -> bool:
        """Whether it belongs to an area, and not to the whole country or to a person."""
        return self.type in self.plan.local_types

    @property
    def zones(self) -> tuple[str, ...] | None:
        """The IANA zones that it may be in: of its area, else of its regions; None if phonenumbers must be asked."""
        e164, plan, _ = self
        if self.is_local:
            return _zones_of_area(e164[1 : 1 + TIMEZONE_LONGEST_PREFIX])
        plans = _plans(plan.code)
        if len(plans) == 1:
            return plan.zones
        national = e164[1 + len(plan.code) :]
        return _zones_of_regions(plan.code, tuple(plan.region for plan in plans if plan.valid(national)))


def match_number(written: str, country: str | None = None) -> ValidNumber | None:
    """The number if the text is certainly a valid one, None if phonenumbers has to be asked.

    `country` (ISO 3166, two letters) completes a number without a `+`.
    """
    text = written.lstrip(" '\t")
    digits = _digits(text.removeprefix("+"))
    if not digits or len(written) > LONGEST_TEXT:
        return None
    if "(0)" in text or ("." in text and (DECIMAL_TAIL.fullmatch(text) or ".." in text)) or may_be_two(text, digits):
        return None
    if len(digits) <= LONGEST_DATE and is_date(text.rstrip()):
        return None
    if "-" in text and (" - " in text or ")" in text[-2:]) and RANGE_AT_END.search(text):
        return None
    if text[0] == "+":
        return _match_international(digits)
    plan = _plan(country) if country else None
    return plan.match_national(digits) if plan else None


def is_date(text: str) -> bool:
    """Whether a text is a day, with or without a time: a spreadsheet made it of a number, or it is another column's."""
    return DATE.fullmatch(text) is not None


def _digits(text: str) -> str:
    """The text without separators; blank if it has anything else than digits and separators."""
    digits = text.encode("ascii", "replace").translate(None, SEPARATORS)
    return digits.decode() if digits.isdigit() else ""


def may_be_two(written: str, digits: str) -> bool:
    """Whether a text that makes one valid number may be two, side by side: the second with a zero of its own."""
    return len(digits) > LONGEST_WITHOUT_DOUBT and SECOND_TRUNK_ZERO.search(written) is not None


@lru_cache(maxsize=65_536)
def _zones_of_area(digits: str) -> tuple[str, ...] | None:
    """The time zones of the longest prefix that has any."""
    by_prefix = (TIMEZONE_DATA.get(digits[:length]) for length in range(len(digits), 0, -1))
    return next((zones for zones in by_prefix if zones), None)


@lru_cache(maxsize=512)
def _zones_of_regions(code: str, regions: tuple[str, ...]) -> tuple[str, ...]:
    """The zones of some of the regions that share a country code: a Kazakh number is not in Russia."""
    own = {zone for region in regions for zone in _zones_by_region().get(region, ())}
    shared = _zones_of_area(code) or ()
    return tuple(zone for zone in shared if zone in own) or tuple(sorted(own)) or shared


@cache
def _zones_by_region() -> Mapping[str, Sequence[str]]:
    """IANA's zones of each country (ISO 3166, two letters)."""
    zones: dict[str, list[str]] = {}
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    for region, _, zone, *_ in (line.split("\t") for line in table.splitlines() if not line.startswith("#")):
        zones.setdefault(region, []).append(zone)
    return zones


def _match_international(digits: str) -> ValidNumber | None:
    for length in range(1, LONGEST_CODE + 1):
        code = digits[:length]
        if code in REGIONS:
            return _match(code, digits[length:])
    return None


class NumberingPlan:
    """The numbering plan of one region: patterns of its valid numbers, and of those that parsing would change."""

    def __init__(self, metadata: PhoneMetadata) -> None:
        general = metadata.general_desc or PhoneNumberDesc()
        self.code = str(metadata.country_code)
        self.region = str(metadata.id)
        self.valid: Matches = re.compile(_valid(metadata)).fullmatch
        self.leading: Matches | None = _prefix(metadata.leading_digits)
        self.changed_by_parsing: Matches = _prefix(metadata.national_prefix_for_parsing) or NEVER
        self.zones = _zones_of_area(self.code)  # of numbers that do not belong to an area
        mobiles_are_local = is_number_type_geographical(PhoneNumberType.MOBILE, int(self.code))
        self.local_types = frozenset({FIXED, MOBILE} if mobiles_are_local else {FIXED})
        changed = metadata.national_prefix_for_parsing or NOTHING
        self.certain: Matches = re.compile(f"(?!0|{changed}){_valid(metadata)}").fullmatch  # and not changed by parsing
        self._international_prefix: Matches = _prefix(metadata.international_prefix) or NEVER
        self._general: Matches = re.compile(general.national_number_pattern or NOTHING).fullmatch
        self._lengths = frozenset(general.possible_length) - frozenset(general.possible_length_local_only)
        # It is asked first about the numbers of its country code, whatever they begin with.
        self.is_main = self.leading is None and _regions(self.code)[:1] == (self.region,)
        self._cuts = not metadata.national_prefix_transform_rule  # the trunk prefix is removed, not rewritten

    def match_national(self, digits: str) -> ValidNumber | None:
        """The number written in its national form, with or without the trunk prefix; None if not certain."""
        if self._international_prefix(digits):
            return None
        if self.is_main and len(digits) in self._lengths and (match := self.certain(digits)):
            return ValidNumber(f"+{self.code}{digits}", self, match.lastgroup or "")
        prefix = self.changed_by_parsing(digits)
        if prefix is None:
            return self._match(digits) if self._general(digits) else None
        trunk, rest = digits[: prefix.end()], digits[prefix.end() :]
        if not self._cuts or self._general(digits) or self.changed_by_parsing(rest):
            return None
        if digits.startswith(self.code) and trunk != self.code:
            return None
        return self._match(rest)

    def _match(self, national: str) -> ValidNumber | None:
        return _match(self.code, national) if len(national) in self._lengths else None


def _match(code: str, national: str) -> ValidNumber | None:
    """The number, by the first region of its country code that has it; None if the main region would change it."""
    main = _main_plan(code)
    if main and main.is_main and (match := main.certain(national)):
        return ValidNumber(f"+{code}{national}", main, match.lastgroup or "")
    plans = _plans(code)  # twenty-five of them for +1, which take longer to make than a short command to run
    if not plans or national[:1] == "0" or plans[0].changed_by_parsing(national):
        return None
    for plan in plans:
        if plan.leading is None or plan.leading(national):
            if match := plan.valid(national):
                return ValidNumber(f"+{code}{national}", plan, match.lastgroup or "")
            if plan.leading:
                return None
    return None


@lru_cache(maxsize=512)
def _main_plan(code: str) -> NumberingPlan | None:
    """The first of `_plans`, without the others."""
    return next((_plan(region) for region in _regions(code)), None)


@lru_cache(maxsize=512)
def _plans(code: str) -> tuple[NumberingPlan, ...]:
    """The plans of the regions that share a country code, the main one first; empty for a code of no country."""
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
    """One pattern for all valid numbers of a region, with a group for each of the `TYPES`."""
    general = metadata.general_desc or PhoneNumberDesc()
    types = {name: [_pattern(getattr(metadata, kind), general) for kind in kinds] for name, kinds in TYPES.items()}
    groups = "|".join(f"(?P<{name}>{'|'.join(filter(None, patterns)) or NOTHING})" for name, patterns in types.items())
    return f"(?={_of_lengths(general)}$)(?:{groups})"


def _pattern(kind: PhoneNumberDesc | None, general: PhoneNumberDesc) -> str:
    """The pattern of one type of number, limited to its lengths where it has not all that numbers have."""
    if kind is None or not kind.national_number_pattern:
        return ""
    has_all = set(kind.possible_length) >= set(general.possible_length)
    return f"(?:{kind.national_number_pattern})" if has_all else _of_lengths(kind)


def _of_lengths(kind: PhoneNumberDesc) -> str:
    """Its pattern, limited to the lengths that it names."""
    lengths = "|".join(rf"\d{{{length}}}$" for length in kind.possible_length if length > 0)
    return f"(?={lengths})(?:{kind.national_number_pattern or NOTHING})"


def _prefix(pattern: str | None) -> Matches | None:
    return re.compile(pattern).match if pattern else None
