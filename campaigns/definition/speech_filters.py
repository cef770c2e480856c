"""Template filters that turn a list's values into spoken words: dates, times, money, and codes letter by letter.

`language` is a code such as en, en-GB, ru or de; the words come from Unicode's CLDR. An unknown language or currency
raises ValueError, a value that cannot be read raises CannotBeSpoken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency, list_currencies

from campaigns.definition.quantity import Quantity

AMOUNT = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
OTHER_DATE_FORMATS = {r"\d\d?\.\d\d?\.\d{4}": "%d.%m.%Y", r"\d\d?\.\d\d?\.\d{4} \d\d?:\d\d": "%d.%m.%Y %H:%M"}
NBSP = "\u00a0\u202f"


class CannotBeSpoken(ValueError):
    """A filter cannot read a contact's value: `value` is as written, `suggestion` says what to do."""

    def __init__(self, value: object, reason: str, suggestion: str) -> None:
        super().__init__(f'"{value}" {reason}')
        self.value, self.suggestion = str(value), suggestion


def spoken_date(value: object, language: str = "en", year: bool = False, read: str | None = None) -> str:
    """`2026-12-05T15:00` as "Saturday, December 5"; `year` adds the year, `read` is a strptime format of the value."""
    day = _moment(value, read, "date")
    if isinstance(day, time):
        raise CannotBeSpoken(value, "is a time of day and no date", "write it as 2026-12-05")
    locale = _locale(language)
    return _plain_spaces(format_date(day, "full" if year else _without_year(locale), locale=locale))


def spoken_time(value: object, language: str = "en", read: str | None = None) -> str:
    """`2026-12-05T15:00` or `15:00` as "3:00 PM"; `read` as for dates."""
    moment = _moment(value, read, "time")
    if not isinstance(moment, datetime | time):
        raise CannotBeSpoken(value, "is a date without a time", "write it as 2026-12-05T15:00")
    return _plain_spaces(format_time(moment, "short", locale=_locale(language)))


def spoken_money(value: object, currency: str, language: str = "en") -> str:
    """`1250.5` of USD as "1,250.50 US dollars"; thousands may be separated, and cents by a point or a comma."""
    code = currency.upper()
    if code not in list_currencies():
        raise ValueError(f"no currency has the code {currency}: write USD, EUR, RUB …")
    amount = value.number if isinstance(value, Quantity) else _amount(str(value))
    whole = amount == amount.to_integral_value()
    words = format_currency(
        amount,
        code,
        "#,##0" if whole else None,
        locale=_locale(language),
        format_type="name",
        currency_digits=not whole,
    )
    return _plain_spaces(words)


def spelled(value: object) -> str:
    """`AB-12` as "A, B, 1, 2": letters and digits one by one, instead of as a number or a word."""
    characters = [character for character in str(value) if character.isalnum()]
    if not characters:
        raise CannotBeSpoken(value, "has no letter or digit to spell", "write the code")
    return ", ".join(characters)


FILTERS: dict[str, Callable[..., str]] = {
    "date": spoken_date,
    "time": spoken_time,
    "money": spoken_money,
    "spell": spelled,
}


def _moment(value: object, read: str | None, name: str) -> date | time:
    text = str(value).strip()
    if read is not None:
        try:
            return datetime.strptime(text, read)  # noqa: DTZ007  # local time, only to be spoken
        except ValueError:
            raise CannotBeSpoken(text, f"is not written as read={read!r} says", "write it like the others") from None
    for kind in (datetime, time):
        try:
            moment = kind.fromisoformat(text)
        except ValueError:
            continue
        return moment.date() if isinstance(moment, datetime) and len(text) == len("2026-12-05") else moment
    known_format = next((form for pattern, form in OTHER_DATE_FORMATS.items() if re.fullmatch(pattern, text)), None)
    remedy = (
        f'say how it is written, in the text: {name}(read="{known_format}")'
        if known_format
        else "write it as 2026-12-05T15:00"
    )
    raise CannotBeSpoken(text, "is not a date or time as in 2026-12-05T15:00", remedy)


def _amount(text: str) -> Decimal:
    """An amount as people write it: the last separator is the decimal one if one or two digits follow it."""
    bare = re.sub(r"[^\d.,+-]", "", text, flags=re.ASCII).strip(".,")
    whole, separator, cents = bare.rpartition(max(",", ".", key=bare.rfind))
    decimal = bool(separator) and len(cents) in {1, 2}
    digits = re.sub(r"[.,]", "", whole if decimal else bare) + (f".{cents}" if decimal else "")
    if not AMOUNT.fullmatch(digits):
        raise CannotBeSpoken(text, "is not an amount", "write it as 1250.50")
    return Decimal(digits)


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise ValueError(f"no language has the code {language}: write en, en-GB, de, ru …") from None


def _without_year(locale: Locale) -> str:
    """The language's pattern of weekday, day and month, with full names."""
    pattern = locale.datetime_skeletons["MMMEd"].pattern
    return re.sub(r"[EcLM]+", lambda names: names[0][0] * 4, pattern)


def _plain_spaces(text: str) -> str:
    """The text with ordinary spaces instead of no-break ones."""
    return text.translate({ord(space): " " for space in NBSP})
