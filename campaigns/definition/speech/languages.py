"""Loads languages from CLDR, independently of which were loaded before, and tells how each writes a date."""

from __future__ import annotations

import re
from functools import lru_cache
from threading import Lock

from babel import Locale, UnknownLocaleError, localedata

LANGUAGES_KEPT = 64
FIELDS = re.compile(r"('(?:[^']|'')*')|([A-Za-z]+)")
YEAR, WEEKDAY, DAY, MONTH = "yG", "Ec", "d", "ML"
_loading = Lock()


class NoSuchLanguage(ValueError):
    """CLDR has no language of this code."""


@lru_cache(LANGUAGES_KEPT)
def language_named(code: str) -> Locale:
    """The language of a code such as en, en-GB or zh-Hant. Raises NoSuchLanguage."""
    # Babel resolves the aliases of a language inside data that it shares with the languages loaded before and after.
    with _loading:
        localedata._cache.clear()
        try:
            locale = Locale.parse(code.replace("-", "_"))
        except (UnknownLocaleError, ValueError, TypeError):
            raise NoSuchLanguage(f"no language has the code {code}: write en, en-GB, de, ru …") from None
        _ = locale.date_formats  # loads the data, which the locale then keeps
    return locale


@lru_cache(LANGUAGES_KEPT)
def day_pattern(code: str, *, year: bool = False) -> str:
    """CLDR's pattern of a whole date in this language, with or without its year; names are full, days without a zero.

    CLDR's own pattern of weekday, day and month is taken where it has one. Raises NoSuchLanguage.
    """
    locale = language_named(code)
    full, skeletons = locale.date_formats["full"].pattern, locale.datetime_skeletons
    if year:
        return _spoken(full)
    if "MMMMEEEEd" in skeletons:
        return _spoken(skeletons["MMMMEEEEd"].pattern)
    if not all(_index_of(_parts(full), letters) for letters in (WEEKDAY, DAY, MONTH)):
        return _spoken(skeletons["MMMEd"].pattern)
    return _spoken(_without_year(_parts(full), _parts(skeletons["MMMMd"].pattern)))


def _parts(pattern: str) -> list[str]:
    """A pattern as alternating literals and fields: `EEEE, d` is ["", "EEEE", ", ", "d", ""]."""
    parts = [""]
    end = 0
    for match in FIELDS.finditer(pattern):
        parts[-1] += pattern[end : match.start()] + (match[1] or "")
        end = match.end()
        if match[2]:
            parts += [match[2], ""]
    parts[-1] += pattern[end:]
    return parts


def _index_of(parts: list[str], letters: str) -> int:
    """Where the field of one of these letters stands; 0 if there is none."""
    return next((index for index in range(1, len(parts), 2) if parts[index][0] in letters), 0)


def _without_year(parts: list[str], day_and_month: list[str]) -> str:
    """The pattern without year and era, and without what joins them to the rest.

    A year at the end takes the words before it along, except those with which CLDR's pattern of day and month ends.
    """
    while index := _index_of(parts, YEAR):
        before, after = parts[index - 1], parts[index + 2 - 1]
        if index == 1:
            joint = ""
        elif index + 2 == len(parts):
            joint = _ending(parts, day_and_month)
        elif parts[index - 2][0] in WEEKDAY:
            joint = re.sub(r"(?<=\s)\S+$", "", before)  # a word for "year" that stands right before it
        else:
            joint = before if parts[index + 2][0] in YEAR else re.sub(r"^\s*'?[^\W\d_]+'?", "", after)
        parts = [*parts[: index - 1], joint, *parts[index + 2 :]]
    return "".join(parts)


def _ending(parts: list[str], day_and_month: list[str]) -> str:
    fields = [part[0] for part in parts[1::2] if part[0] in DAY + MONTH]
    return day_and_month[-1] if fields == [part[0] for part in day_and_month[1::2]] else ""


def _spoken(pattern: str) -> str:
    """The pattern with names written out, and days of one digit where they have one."""
    parts = _parts(pattern)
    for index in range(1, len(parts), 2):
        letter = parts[index][0]
        numeric_month = letter in MONTH and len(parts[index]) == 1  # in Chinese and Japanese, before the word for month
        if letter in WEEKDAY + MONTH and not numeric_month:
            parts[index] = letter * 4
        elif letter in DAY:
            parts[index] = DAY
    return "".join(parts)
