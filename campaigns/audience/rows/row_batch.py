"""Rows of a list that are read together, a column at a time, which costs a third of reading row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any

from campaigns.audience.files.table import Row
from campaigns.audience.rejects import Reject, RejectCode


class RowRejected(Exception):
    """The row is not a contact that can be called: the reject code, the column's name, the reason, what to do."""

    def __init__(self, code: str, column: str, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.code, self.column, self.reason, self.suggestion = code, column, reason, suggestion

    def reject(self, row: Row) -> Reject:
        """The reject of a row for this reason. Of a hidden row nothing is kept, so that no corrected file calls it."""
        return Reject(
            line=row.line,
            column=self.column,
            code=self.code,
            reason=self.reason,
            suggestion=self.suggestion,
            cells=() if self.code == RejectCode.HIDDEN else tuple(row.cells),
        )


ROW, CHECKED = "row", "checked"
Key = str | int
"""What a column holds: by its index the cells of the list, by a name what was made of them; `ROW`: the row itself."""


class RowBatch:
    """The columns of some rows. A row that is rejected is in none of them any more, so no later step sees it."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._count = len(rows)
        self._places: Sequence[int] = range(len(rows))
        self._rejected: dict[int, RowRejected] = {}
        self._columns: dict[Key, Sequence[Any]] = {ROW: rows}

    def __getitem__(self, key: Key) -> Sequence[Any]:
        return self._columns[key]

    def __setitem__(self, key: Key, values: Sequence[Any]) -> None:
        self._columns[key] = values

    def fill(self, key: Key, value: object) -> None:
        """Add a column in which all rows have the same value."""
        self._columns[key] = [value] * len(self._places)

    def work_out(self, key: Key, read: Callable[..., object], *columns: Key) -> None:
        """Add a column: what `read` makes of each row's values in these columns. RowRejected rejects the row."""
        values: list[object] = []
        rejected: dict[int, RowRejected] = {}
        for arguments in zip(*map(self._columns.__getitem__, columns), strict=True):
            try:
                values.append(read(*arguments))
            except RowRejected as rejection:
                # Its traceback holds this frame: the batch, and the open file, would wait for the garbage collector.
                rejection.__traceback__ = rejection.__context__ = None
                rejected[len(values) + len(rejected)] = rejection
        if rejected:
            self._remove(rejected)
        self._columns[key] = values

    def check(self, read: Callable[..., object], *columns: Key) -> None:
        """As `work_out`, for the rejections alone."""
        self.work_out(CHECKED, read, *columns)

    def _remove(self, rejected: dict[int, RowRejected]) -> None:
        self._rejected |= {self._places[place]: rejection for place, rejection in rejected.items()}
        kept = [place not in rejected for place in range(len(self._places))]
        self._places = list(compress(self._places, kept))
        self._columns = {key: list(compress(values, kept)) for key, values in self._columns.items()}

    def outcomes(self, make: Callable[[tuple[Any, ...]], Any], *columns: Key) -> list[Any]:
        """For each row of the batch, what `make` makes of its values in these columns, or why it was rejected."""
        results = list(map(make, zip(*map(self._columns.__getitem__, columns), strict=True)))
        if not self._rejected:
            return results
        by_place = self._rejected | dict(zip(self._places, results, strict=True))
        return [by_place[place] for place in range(self._count)]
