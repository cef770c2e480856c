"""Fields that stand in rows of a form, such as key and meaning: those that are filled in, and blank ones for more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

MOST_ROWS = 60
BLANK_ROWS = 3


def typed_rows(rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Rows by the names that their fields have in a form: `NAME-0`, `NAME-1`."""
    return {f"{name}-{place}": value for place, row in enumerate(rows) for name, value in row.items()}


def rows_of(typed: Mapping[str, str], *names: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The rows of a form of which something is filled in, each with its place."""
    for place in range(MOST_ROWS):
        row = tuple(typed.get(f"{name}-{place}", "") for name in names)
        if any(row):
            yield place, row


def places(typed: Mapping[str, str], *names: str) -> range:
    """The places of the rows that a form shows: those that are filled in, and blank ones behind them."""
    last = max((place for place, _ in rows_of(typed, *names)), default=-1)
    return range(min(last + 1 + BLANK_ROWS, MOST_ROWS))
