"""Numbers, shares and moments as the reader's language writes them: filters of the templates."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent

from console.formatting import percent, rounded_percent
from console.pages.language import SOURCE, language, locale


def grouped(number: int) -> str:
    """A count with its thousands set apart: 50,000 or 50 000."""
    return f"{number:,}" if language() == SOURCE else format_decimal(number, locale=locale())


def decimal(number: float, digits: int = 1) -> str:
    """A number with so many digits after the point or comma, and without zeros at its end if `digits` is negative."""
    pattern = "#,##0." + ("#" * -digits if digits < 0 else "0" * digits) if digits else "#,##0"
    return format_decimal(number, pattern, locale=locale())


def share(count: int, total: int) -> str:
    """A share in percent; one between them is never rounded to 0 % or 100 %."""
    if language() == SOURCE:
        return percent(count, total)
    sign, rounded = rounded_percent(count, total)
    return sign + format_percent(rounded / 100, locale=locale())


def moment(at: datetime) -> str:
    """A moment in UTC, for browsers that do not show it in the reader's own zone."""
    if language() == SOURCE:
        return at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{format_datetime(at, 'medium', locale=locale())} UTC"
