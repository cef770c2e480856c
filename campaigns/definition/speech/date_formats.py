"""How dates and times are written that are not ISO 8601, as formats of strptime: what spreadsheets write into CSV."""

from __future__ import annotations

import re
from datetime import datetime

DAY_FIRST, MONTH_FIRST, YEAR_FIRST = "%d{0}%m{0}{1}", "%m{0}%d{0}{1}", "{1}{0}%m{0}%d"
NUMERIC = re.compile(r"(?P<first>\d{1,4})(?P<sign>[./-])\d\d?(?P=sign)(?P<last>\d{1,4})(?P<rest>,? .*)?", re.ASCII)
CLOCK = re.compile(r"(?P<before>,? )?\d\d?:\d\d(?P<seconds>:\d\d)?(?P<half> ?[AP]M)?", re.ASCII | re.IGNORECASE)


def formats_of(text: str) -> list[str]:
    """The strptime formats that read this text: two where day and month may be either way round, none if unknown."""
    if clock := CLOCK.fullmatch(text):
        return _that_read(text, [_clock_format(clock)])
    date = NUMERIC.fullmatch(text)
    clock = CLOCK.fullmatch(date["rest"]) if date and date["rest"] else None
    if date is None or (date["rest"] and not clock):
        return []
    orders = [YEAR_FIRST] if len(date["first"]) == 4 else [DAY_FIRST]
    if orders == [DAY_FIRST] and date["sign"] != ".":  # with points the day is first, wherever they are written
        orders.append(MONTH_FIRST)
    year = "%Y" if 4 in {len(date["first"]), len(date["last"])} else "%y"
    formats = [order.format(date["sign"], year) + (_clock_format(clock) if clock else "") for order in orders]
    return _that_read(text, formats)


def _clock_format(clock: re.Match[str]) -> str:
    hours = "%I" if clock["half"] else "%H"
    half = clock["half"][:-2] + "%p" if clock["half"] else ""
    return f"{clock['before'] or ''}{hours}:%M{':%S' if clock['seconds'] else ''}{half}"


def _that_read(text: str, formats: list[str]) -> list[str]:
    """The formats that read the text, one for each moment that it can be."""
    by_moment: dict[datetime, str] = {}
    for form in formats:
        try:
            by_moment.setdefault(datetime.strptime(text, form), form)  # noqa: DTZ007  # only compared
        except ValueError:
            continue
    return list(by_moment.values())
