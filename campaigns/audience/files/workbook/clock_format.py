"""Formats of dates, times and durations, which spreadsheets keep as days since 1900 or 1904."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from math import floor

DAY = 86_400  # seconds
LEADING_ZERO = re.compile(r"^0(?=\d)")
FROM_1904, FROM_1900, FROM_1900_JANUARY = (1904, 1, 1), (1899, 12, 30), (1899, 12, 31)  # a 29 February 1900 counts
OFFSET = re.compile(r"Z|UTC|GMT|[+-]\d\d:?\d\d")
LAST_DAY = 2_958_466  # spreadsheets end with the year 9999
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November")
MONTHS += ("December",)  # type: ignore[assignment]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class NotShown(ValueError):
    """The cell shows no usable value: the reason, what a person can do, and the text that it shows, if any."""

    def __init__(self, reason: str, remedy: str, text: str = "") -> None:
        super().__init__(reason)
        self.remedy, self.text = remedy, text


def _no_moment() -> NotShown:
    return NotShown("the cell shows #####: its value is no date or time", "correct its value or its format")


def days_since(iso: str, *, from_1904: bool) -> str:
    """A date or time in ISO 8601, as some programs store it, as the number of days. Raises NotShown."""
    start = datetime(*(FROM_1904 if from_1904 else FROM_1900))  # noqa: DTZ001  # cells have no zone
    try:
        moment = datetime.combine(start, time.fromisoformat(iso)) if "-" not in iso else datetime.fromisoformat(iso)
    except ValueError:
        raise NotShown(f"the cell holds {iso!r}, which is no date", "type the date again", iso) from None
    return repr((moment.replace(tzinfo=None) - start) / timedelta(days=1))


class ClockFormat:
    """A section of a format that shows a moment or a duration; `show` is given the stored number of days."""

    def __init__(self, tokens: Sequence[tuple[str, str]], *, from_1904: bool) -> None:
        self._tokens = [(kind, text.lower() if kind == "clock" else text) for kind, text in tokens]
        self._name_minutes()
        self._from_1904 = from_1904
        self._offset = self._shown_offset()
        shown = {text[0] for kind, text in self._tokens if kind == "clock"}
        weekday_only = not any(kind == "clock" and text in {"d", "dd"} for kind, text in self._tokens)
        self._is_duration = any(kind == "elapsed" for kind, _ in self._tokens)
        self._has_time, self._has_date = "h" in shown, bool(shown & set("ymdbeg"))
        self._is_whole = ({"m", "d"} <= shown and not weekday_only) or (self._has_time and not self._has_date)
        self._seconds_shown, self._minutes_shown = "s" in shown, "n" in shown
        self._twelve_hours = any(kind == "half" for kind, _ in self._tokens)

    def show(self, days: float) -> str:
        """The text that the cell shows; complete dates and times as ISO 8601. Raises NotShown."""
        if days < 0 or days >= LAST_DAY:
            raise _no_moment()
        seconds = floor(days * DAY + 0.5)
        if self._is_duration or not (self._has_date or self._has_time):
            return LEADING_ZERO.sub("", self._written(None, seconds))  # 05:30 would be read as a time of day
        if seconds < DAY and self._has_date and not self._from_1904:
            if not self._has_time:
                raise NotShown("the cell shows a zero as a date", "type the date, or empty the cell")
            return self._time(seconds)
        if not self._has_date:
            return self._time(seconds) + self._offset
        moment = self._moment(seconds)
        if not self._is_whole:
            return self._written(moment, seconds)
        day = moment.date().isoformat()
        if self._offset:
            return f"{day}T{self._time(seconds)}{self._offset}"
        return f"{day}T{self._time(seconds)}" if self._has_time and seconds % DAY else day

    def _shown_offset(self) -> str:
        """The offset that the format writes behind the time, as ISO 8601 has it; blank without one."""
        clocks = [index for index, (kind, _) in enumerate(self._tokens) if kind in {"clock", "half"}]
        behind = "".join(text for _, text in self._tokens[clocks[-1] + 1 :]).strip() if clocks else ""
        written = behind.lstrip(".0").strip()  # fractions of a second
        return ("Z" if written in {"UTC", "GMT"} else written) if OFFSET.fullmatch(written) else ""

    def _name_minutes(self) -> None:
        """Give the `m` that means minutes, after hours or before seconds, the letter n."""
        clocks = [index for index, (kind, _) in enumerate(self._tokens) if kind in {"clock", "elapsed"}]
        for place, index in enumerate(clocks):
            kind, text = self._tokens[index]
            before = self._tokens[clocks[place - 1]][1][0] if place else ""
            after = self._tokens[clocks[place + 1]][1][0] if place + 1 < len(clocks) else ""
            if kind == "clock" and text[0] == "m" and len(text) < 3 and (before == "h" or after == "s"):
                self._tokens[index] = (kind, "n" * len(text))

    def _moment(self, seconds: int) -> datetime:
        year, month, day = FROM_1904 if self._from_1904 else FROM_1900 if seconds >= 60 * DAY else FROM_1900_JANUARY
        try:
            return datetime(year, month, day) + timedelta(seconds=seconds)  # noqa: DTZ001  # cells have no zone
        except OverflowError:  # the last second of 9999, rounded up; or, from 1904, a day four years after it
            raise _no_moment() from None

    def _time(self, seconds: int) -> str:
        """The time of day in ISO 8601, as far as it is shown."""
        hours, rest = divmod(seconds % DAY, 3600)
        minutes, rest = divmod(rest, 60)
        if not self._minutes_shown:
            minutes = rest = 0
        return f"{hours:02}:{minutes:02}" + (f":{rest:02}" if rest and self._seconds_shown else "")

    def _written(self, moment: datetime | None, seconds: int) -> str:
        """The format as it stands; of a duration the first unit counts beyond its bound."""
        pieces = []
        for kind, text in self._tokens:
            if kind == "elapsed":
                unit = {"h": 3600, "m": 60, "s": 1}[text[0]]
                pieces.append(f"{seconds // unit:0{len(text)}}")
            elif kind == "clock":
                pieces.append(self._field(text, moment, seconds))
            elif kind == "half":
                pieces.append("AM" if seconds % DAY < DAY // 2 else "PM")
            elif kind not in {"digit", "text", "general", "exponent"}:
                pieces.append(text)
        return re.sub(r"\.(?!\d)$", "", "".join(pieces)).strip()

    def _field(self, text: str, moment: datetime | None, seconds: int) -> str:
        hour = seconds // 3600 % 24
        numbers = {"h": (hour - 1) % 12 + 1 if self._twelve_hours else hour, "n": seconds // 60 % 60, "s": seconds % 60}
        if text[0] in numbers:
            return f"{numbers[text[0]]:0{min(len(text), 2)}}"
        if moment is None:
            return ""
        if text[0] in "yeb":
            year = moment.year + 543 * (text[0] == "b")
            return f"{year % 100:02}" if text in {"y", "yy", "bb"} else str(year)
        number, names = (moment.month, MONTHS) if text[0] == "m" else (moment.day, WEEKDAYS)
        if len(text) < 3:
            return f"{number:0{len(text)}}" if text[0] in "md" else ""
        name = names[moment.month - 1] if text[0] == "m" else names[moment.weekday()]
        return {3: name[:3], 5: name[0]}.get(len(text), name)
