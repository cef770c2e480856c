"""Rows that come one at a time, with the same columns: read as those of a list are, which is prepared once for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.audience.columns import Layout, find_columns
from campaigns.audience.given_rows import given_row, given_table
from campaigns.audience.rejects import Reject
from campaigns.audience.rows.contact_row import ContactRow
from campaigns.audience.rows.row_batch import RowRejected
from campaigns.audience.rows.row_reader import RowReader
from campaigns.audience.rows.row_texts import CheckScript
from campaigns.definition import Definition
from campaigns.definition.column_names import comparable


class SingleRows:
    """Reads rows that have these columns by a definition. Safe to use from many threads.

    Raises BadRows for names that are none, and DefinitionFaults when a column that the definition names is missing.
    """

    def __init__(self, definition: Definition, names: Sequence[str], check_script: CheckScript | None) -> None:
        table = given_table(definition, [dict.fromkeys(names, "")])
        columns = find_columns(definition, table)
        given = {comparable(name): name for name in names}
        self._header = table.header
        self._places = {column: given.get(comparable(column), "") for column in table.header}
        self._reader = RowReader(definition, Layout.of(table), columns, check_script)

    def read(self, values: Mapping[str, Any]) -> ContactRow | Reject:
        """One row, by the names of its columns: a contact that can be called, or why it is none."""
        row = given_row(1, values, self._places, self._header)
        (outcome,) = self._reader.read([row])
        return outcome.reject(row) if isinstance(outcome, RowRejected) else outcome
