"""Template filters that turn a list's values into spoken words: dates, times, money, and codes letter by letter.

`language` is a code such as en, en-GB, ru or de; the words come from Unicode's CLDR. An unknown language or currency
raises ValueError, a value that cannot be read raises CannotBeSpoken. A time with an offset is said as the contact's
clock shows it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from time import strptime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_currency, list_currencies
from jinja2 import pass_context
from jinja2.runtime import Context

from campaigns.calendar.times import BadMoment, is_in_calendar, reject_hours, reject_offset
from campaigns.definition.speech.amounts import NotAnAmount, decimals_of, read_amount, rounded
from campaigns.definition.speech.date_formats import formats_of
from campaigns.definition.speech.languages import day_pattern, language_named

DAY = r"\d{4}-\d\d-\d\d|\d{8}|\d{4}-?W\d\d-?\d"
CLOCK = r"\d\d:\d\d(:\d\d([.,]\d+)?)?"
OFFSET = r"\s?(Z|UTC|[+-]\d\d(:?\d\d)?)"
DATE = re.compile(DAY, re.ASCII)
MOMENT = re.compile(rf"({DAY})[T ]({CLOCK}|\d{{4}}|\d{{6}}([.,]\d+)?)({OFFSET})?", re.ASCII | re.IGNORECASE)
TIME = re.compile(rf"{CLOCK}({OFFSET})?", re.ASCII | re.IGNORECASE)
ISO_WEEK = "V"  # strptime takes it with %G and a weekday only
DIRECTIVES_OF_DATES = (
    {"d", "j", "c", "x", ISO_WEEK},
    {"m", "b", "B", "j", "c", "x", ISO_WEEK},
    {"Y", "y", "c", "x", ISO_WEEK},
)
DIRECTIVES_OF_TIMES = ({"H", "p", "c", "X"},)
NBSP = "\u00a0\u202f"
# Of births and appointments. Beyond are the years of other calendars, whose days have other names, and the days that
# programs write for "none": 0001-01-01, 1899-12-30, 1900-01-01, 9999-12-31.
YEARS_OF_PEOPLE = range(1901, 2200)
WORDS_KEPT = 4096  # of each filter, as values recur
SPEECH = "the speech"  # no variable of a template can have this name


class CannotBeSpoken(ValueError):
    """A filter cannot read a contact's value: `value` is as written, `suggestion` says what to do."""

    def __init__(self, value: object, reason: str, suggestion: str) -> None:
        super().__init__(f'"{value}" {reason}')
        self.value, self.suggestion = str(value), suggestion


class SpokenValue(NamedTuple):
    """What a filter made of a contact's value; `change` says how the two differ in meaning, "" if they do not."""

    name: str
    value: str
    spoken: str
    change: str = ""


class NamedValue(str):
    """A contact's value that knows the variable it is the value of, and the cell as it was read."""

    __slots__ = ("_cell", "_name")
    _cell: str
    _name: str

    def __new__(cls, cell: str, name: str) -> NamedValue:
        value = super().__new__(cls, cell)
        value._cell, value._name = cell, name
        return value


class Speech:
    """What the filters need to know of one text, and what they did: see SpokenValue.

    `zones` are those that the contact may be in; `timed` are the variables of which the text says the time of day.
    """

    def __init__(self, zones: Sequence[ZoneInfo] = (), timed: Collection[str] = ()) -> None:
        self.zones, self.timed = zones, timed
        self.values: list[SpokenValue] = []

    def say(self, value: object, spoken: str, change: str = "") -> str:
        """Remember what was made of a value, and return it."""
        self.values.append(SpokenValue(_name_of(value), str(value), spoken, change))
        return spoken


@pass_context
def spoken_date(
    context: Context, value: object, language: str = "en", year: bool = False, read: str | None = None
) -> str:
    """`2026-12-05T15:00` as "Saturday, December 5"; `year` adds the year, `read` is a strptime format of the value."""
    speech, code = _speech(context), str(language)  # which may be a cell: its words are kept once
    written = _moment(value, read, "date")
    if isinstance(written, time):
        raise CannotBeSpoken(value, "is a time of day and no date", "write it as 2026-12-05")
    if written.year not in YEARS_OF_PEOPLE:
        raise CannotBeSpoken(value, f"cannot be meant: the year is {written.year:04}", "correct the year")
    moments, change = _on_the_contacts_clock(value, written, speech)
    days = set(map(_day, moments))
    if _may_be_a_whole_day(written) and days != {_day(written)} and _name_of(value) not in speech.timed:
        reason = "is midnight with an offset, and another day on the contact's clock"
        raise CannotBeSpoken(value, reason, "write the day alone: 2026-12-05")
    texts = {_day_in_words(day, code, year) for day in days}
    return speech.say(value, _only(texts, value, speech), change if days != {_day(written)} else "")


@pass_context
def spoken_time(context: Context, value: object, language: str = "en", read: str | None = None) -> str:
    """`2026-12-05T15:00` or `15:00` as "3:00 PM"; `read` as for dates."""
    speech, code = _speech(context), str(language)
    written = _moment(value, read, "time")
    if not isinstance(written, datetime | time):
        raise CannotBeSpoken(value, "is a date without a time", "write it as 2026-12-05T15:00")
    moments, change = _on_the_contacts_clock(value, written, speech)
    texts = {_time_in_words(_whole_seconds(moment), code) for moment in moments}
    return speech.say(value, _only(texts, value, speech), change)


@pass_context
def spoken_money(
    context: Context, value: object, currency: str, language: str = "en", decimal: str | None = None
) -> str:
    """`1250.5` of USD as "1,250.50 US dollars", rounded to the currency's decimals; `decimal` is the list's sign."""
    code, language = _currency_code(currency), str(language)
    if decimal not in {None, ".", ","}:
        raise ValueError(f'decimal is "." or ",", and not "{decimal}"')
    try:
        written = read_amount(_cell_of(value), code, language_named(language), decimal)
        amount = rounded(written, code)
    except NotAnAmount as exc:
        raise CannotBeSpoken(value, str(exc), exc.suggestion) from None
    return _speech(context).say(value, _money_in_words(amount, code, language), "" if amount == written else "rounded")


@pass_context
def spelled(context: Context, value: object) -> str:
    """`AB-12` as "A, B, 1, 2": letters and digits one by one, instead of as a number or a word."""
    characters = [character for character in str(value) if character.isalnum()]
    if not characters:
        raise CannotBeSpoken(value, "has no letter or digit to spell", "write the code")
    return _speech(context).say(value, ", ".join(characters))


FILTERS: dict[str, Callable[..., str]] = {
    "date": spoken_date,
    "time": spoken_time,
    "money": spoken_money,
    "spell": spelled,
}


def _speech(context: Context) -> Speech:
    speech: Any = context.get(SPEECH)
    return speech if speech is not None else Speech()


def _name_of(value: object) -> str:
    return value._name if isinstance(value, NamedValue) else ""


def _cell_of(value: object) -> str:
    return value._cell if isinstance(value, NamedValue) else str(value)


def _moment(value: object, read: str | None, name: str) -> date | time:
    """A date, a time of day, or a datetime; aware if it was written with an offset."""
    text = "".join(character for character in str(value) if unicodedata.category(character) != "Cf").strip()
    if read is not None:
        return _read_as(text, read, name)
    iso = re.sub(r"\s?UTC$", "Z", re.sub(r"\s(?=[+-])", "", text.upper()))
    for pattern, kind in ((DATE, date), (MOMENT, datetime), (TIME, time)):
        if pattern.fullmatch(text):
            try:
                moment = kind.fromisoformat(iso)
            except ValueError:
                break
            if isinstance(moment, datetime):
                with _unspoken(text):
                    reject_hours(text, moment)
            return moment
    raise _unread(text, name)


@contextmanager
def _unspoken(text: str) -> Iterator[None]:
    try:
        yield
    except BadMoment as exc:
        raise CannotBeSpoken(text, str(exc), exc.suggestion) from None


def _unread(text: str, name: str) -> CannotBeSpoken:
    """The error for a value that is not ISO 8601, with the formats that may be meant."""
    reads = DIRECTIVES_OF_DATES if name == "date" else DIRECTIVES_OF_TIMES
    formats = [form for form in formats_of(text) if all(_directives(form) & group for group in reads)]
    reason = "is not a date or time as in 2026-12-05T15:00"
    if len(formats) > 1:
        days = " or ".join(f"{_read_as(text, form, 'date'):%Y-%m-%d}" for form in formats)
        reason = f"can mean {days}"
    if not formats:
        return CannotBeSpoken(text, reason, "write it as 2026-12-05T15:00")
    ways = " or ".join(f'{name}(read="{form}")' for form in formats)
    return CannotBeSpoken(text, reason, f"say how it is written, in the text: {ways}")


def _directives(read: str) -> set[str]:
    return set(re.findall(r"%([A-Za-z])", read))


def _read_as(text: str, read: str, name: str) -> date | time:
    """The value by a strptime format: a date, a time or both, as the format has them."""
    directives = _directives(read)
    has_date, has_time = (
        all(directives & group for group in groups) for groups in (DIRECTIVES_OF_DATES, DIRECTIVES_OF_TIMES)
    )
    if not (has_date if name == "date" else has_time):
        lacks = "a day, a month or a year" if name == "date" else "hours as %H, or as %I with %p"
        raise ValueError(f"{name}(read={read!r}) reads no {name}: it lacks {lacks}")
    try:
        moment = datetime.strptime(text, read)  # noqa: DTZ007  # local time, or aware by %z
    except ValueError:
        raise CannotBeSpoken(text, f"is not written as read={read!r} says", "write it like the others") from None
    with _unspoken(text):
        reject_offset(moment)
    if directives & {"a", "A", "u", "w"} and strptime(text, read).tm_wday != moment.weekday() and has_date:
        raise CannotBeSpoken(text, f"has another weekday than {moment:%Y-%m-%d}", "correct the day or the weekday")
    if not has_date:
        return moment.timetz()
    return moment if has_time else moment.date()


def _on_the_contacts_clock(value: object, written: date | time, speech: Speech) -> tuple[set[Any], str]:
    """What clock and calendar show the contact, in each zone that it may be in, and how that differs from the text."""
    if not isinstance(written, datetime | time) or written.tzinfo is None:
        return {written}, ""
    if isinstance(written, time):
        raise CannotBeSpoken(value, "has an offset and no date", "write the local time, or the date too")
    if not is_in_calendar(written):
        raise CannotBeSpoken(value, f"cannot be meant: the year is {written.year:04}", "correct the year")
    if not speech.zones:
        advice = "set schedule.zone, name the zone in a column (contacts.zone), or write the local time"
        raise CannotBeSpoken(value, "has an offset, and the contact no time zone", advice)
    moments = {written.astimezone(zone).replace(tzinfo=None) for zone in speech.zones}
    differs = moments != {written.replace(tzinfo=None)}
    return moments, "in the contact's time zone" if differs else ""


def _only(texts: set[str], value: object, speech: Speech) -> str:
    """The one text that is true in all the zones of the contact."""
    if len(texts) == 1:
        return texts.pop()
    reason = f"is not the same in the {len(speech.zones)} time zones that the number may be in"
    raise CannotBeSpoken(value, reason, "name the zone in a column (contacts.zone), or write the local time")


def _may_be_a_whole_day(written: date | time) -> bool:
    return isinstance(written, datetime) and written.tzinfo is not None and written.time() == time()


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _whole_seconds(moment: datetime | time) -> time:
    """The moment with its fraction of a second rounded; the end of a day stays in that day."""
    day = moment if isinstance(moment, datetime) else datetime.combine(date(2000, 1, 1), moment)
    nearest = (day + timedelta(microseconds=500_000)).replace(microsecond=0)
    return (nearest if nearest.date() == day.date() else day).time()


@lru_cache(WORDS_KEPT)
def _day_in_words(day: date, language: str, year: bool) -> str:
    pattern = day_pattern(language, year=year)
    return _plain_spaces(format_date(day, pattern, locale=language_named(language)))


@lru_cache(WORDS_KEPT)
def _time_in_words(moment: time, language: str) -> str:
    return _plain_spaces(format_time(moment, "short", locale=language_named(language)))


@lru_cache(WORDS_KEPT)
def _money_in_words(amount: Decimal, currency: str, language: str) -> str:
    whole = amount.to_integral_value()
    said, pattern = (whole, "#,##0") if amount == whole else (amount, f"#,##0.{'0' * decimals_of(currency)}")
    locale = language_named(language)
    words = format_currency(said, currency, pattern, locale=locale, format_type="name", currency_digits=False)
    return _plain_spaces(words)


@lru_cache
def _currency_code(currency: str) -> str:
    code = currency.upper()
    if code not in list_currencies():
        raise ValueError(f"no currency has the code {currency}: write USD, EUR, RUB …")
    return code


def _plain_spaces(text: str) -> str:
    """The text with ordinary spaces instead of no-break ones."""
    return text.translate({ord(space): " " for space in NBSP})
