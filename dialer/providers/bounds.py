"""Bounds: the one place where a number from outside becomes one of ours, by its unit and the window it belongs to.

A figure beyond its bounds is taken as the nearest that is believed, or as none where the nearest would be a lie (an id,
a moment). Either way the log names it, once a minute for each account and figure. Nothing here raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dialer.log import get_logger
from dialer.seldom import Seldom

log = get_logger()
SLACK = 5.0  # seconds by which a window's end may be told late
A_MINUTE, A_DAY = 60.0, 86400.0
BELIEVED_YEARS = range(2000, 2100)
CLOCKS_DIFFER = timedelta(minutes=5)  # by no more than this may a provider's clock be ahead of ours

_account: ContextVar[str] = ContextVar("account", default="")
_named = Seldom()


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is believed of one figure. `refused`: one beyond it is taken for none, and not for the nearest."""

    figure: str
    least: float
    most: float
    refused: bool = False

    def up_to(self, most: float | None) -> Bounds:
        """The same with a lower upper bound, where there is one."""
        return self if most is None else replace(self, most=min(self.most, most))


# The figures of a minute and a day, in points and in seconds.
MINUTE_LIMIT = Bounds("minute_limit", 1, 10**6, refused=True)
MINUTE_REMAINING = Bounds("minute_remaining", 0, 10**6)
MINUTE_RESET = Bounds("minute_reset", 0.0, A_MINUTE + SLACK)
DAY_LIMIT = Bounds("day_limit", 1, 10**9, refused=True)
DAY_REMAINING = Bounds("day_remaining", 0, 10**9)
DAY_RESET = Bounds("day_reset", 0.0, A_DAY + SLACK)
RETRY_AFTER = Bounds("Retry-After", 0.0, 3600.0)  # seconds; who has more to say has figures of a day for it

TALK_SECONDS = Bounds("seconds of talk", 0.0, A_DAY)
TEXT_LENGTH = Bounds("longest text", 1, 10**6, refused=True)  # characters
ERROR_CODE = Bounds("code of an error", -(2**31), 2**31 - 1, refused=True)
ID = Bounds("id", 0, 2**63 - 1, refused=True)
UNIX_TIME = Bounds("unix time", 946_684_800, 4_102_444_800, refused=True)  # seconds: the years 2000 to 2099


@contextmanager
def reading_for(account: str) -> Iterator[None]:
    """In this block the log names the account whose reply is read."""
    token = _account.set(account)
    try:
        yield
    finally:
        _account.reset(token)


def amount(value: Any, bounds: Bounds) -> float | None:
    """A number within its bounds, also when written as text; None where there is none."""
    believed = _believed(value, bounds)
    return None if believed is None else float(believed)


def whole(value: Any, bounds: Bounds) -> int | None:
    """The same as a whole number, exact however large it is."""
    believed = _believed(value, bounds)
    return None if believed is None else int(believed)


def unix_time(value: Any) -> datetime | None:
    """A moment given as seconds since 1970, as aware UTC."""
    seconds = amount(value, UNIX_TIME)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def instant(value: Any) -> datetime | None:
    """An ISO 8601 moment as aware UTC; one without a zone is taken for UTC, one of another age for none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if moment.year in BELIEVED_YEARS:
        return moment
    _name("moment", f"a moment of the year {moment.year}", None)
    return None


def believed_since(moment: datetime | None, since: datetime, now: datetime) -> datetime | None:
    """A provider's moment if it can lie between these two, allowing for clocks that differ; else None."""
    if moment is None or since - CLOCKS_DIFFER <= moment <= now + CLOCKS_DIFFER:
        return moment
    _name("moment", f"{moment:%Y-%m-%d %H:%M:%S} UTC", None)
    return None


def _believed(value: Any, bounds: Bounds) -> int | float | None:
    given = _number(value)
    if given is None:
        if value is not None and value != "":
            _name(bounds.figure, f"no number but {type(value).__name__}", None)
        return None
    nearest = min(max(given, bounds.least), bounds.most)
    if nearest == given:
        return given
    taken = None if bounds.refused else nearest
    _name(bounds.figure, _roughly(given), taken)
    return taken


def _number(value: Any) -> int | float | None:
    """Any number but NaN, infinity included; text is read as a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
        try:
            value = float(value)
        except ValueError:
            return None
    return None if value != value else value  # NaN alone differs from itself


def _roughly(given: int | float) -> str:
    """Its size alone: the figures of a number that is no amount could be somebody's telephone."""
    try:
        return f"{float(given):.1e}"
    except OverflowError:
        return "more than 1e308" if given > 0 else "less than -1e308"


def _name(figure: str, said: str, taken: float | None) -> None:
    account = _account.get()
    if _named.is_due(account, figure):
        log.warning("the provider's figure is not believed", account=account, figure=figure, said=said, taken_as=taken)
