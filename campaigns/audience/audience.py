"""The contacts of a campaign: its list read row by row, and every row either a contact or a reject with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from campaigns.audience.columns import Columns, find_columns
from campaigns.audience.download import download, is_url
from campaigns.audience.encoding import BadContactsFile
from campaigns.audience.import_summary import VALID, ImportSummary
from campaigns.audience.open_list import open_table
from campaigns.audience.progress import Progress, no_progress
from campaigns.audience.rejects import Reject, RejectCode, RejectStore
from campaigns.audience.row_reader import CheckScript, ContactRow, RowReader, RowRejected
from campaigns.audience.table import Row, Table
from campaigns.definition import Definition
from campaigns.definition.yaml_source import DefinitionFaults, FileFault
from dialer.errors import DialerError

CAMPAIGN_WIDE_FAULTS = {"voice", "media"}  # faults that no text of any contact can cause
ROWS_PER_BATCH = 500

FindExcluded = Callable[[Sequence[str]], Mapping[str, tuple[RejectCode, str]]]
"""Asked for numbers in E.164, it names those that are not to be called now, each with its code and reason."""


class ListChanged(DialerError):
    """The list was changed while it was being read."""


class Audience:
    """A list that has been looked at and not yet read. Reading holds few rows at a time, and the numbers met so far."""

    def __init__(
        self, definition: Definition, table: Table, reader: RowReader, find_excluded: FindExcluded | None = None
    ) -> None:
        self.definition = definition
        self.file = table.file
        self.header = table.header
        self.reject_store = RejectStore(table.header)
        self._table = table
        self._reader = reader
        self._leaves_out = find_excluded
        self._repeated = (
            RejectCode.LEFT_OUT_DUPLICATE if definition.contacts.duplicates == "first" else RejectCode.DUPLICATE
        )
        self._counts: Counter[str] = Counter()
        self._lines_by_number: dict[int, int] = {}
        self._written = _written(table.file)

    @property
    def rejects(self) -> list[Reject]:
        """The first of the rows that will not be called; `pile` has all of them."""
        return self.reject_store.first

    def contacts(self, progress: Progress = no_progress) -> Iterator[ContactRow]:
        """Every contact of the list; `pile` and `summary` are complete when it ends. Each call reads anew.

        `progress` sees the rejects too.
        """
        self.reject_store.clear()
        for row in progress(self.rows(), self.estimated_rows()):
            if isinstance(row, Reject):
                self.reject_store.add(row)
            else:
                yield row

    def rows(self) -> Iterator[ContactRow | Reject]:
        """Every contact and every reject in the list's order, for those who keep neither; `summary` counts along."""
        self._counts, self._lines_by_number = Counter(), {}
        rows = self._table.rows()
        while some := list(islice(rows, ROWS_PER_BATCH)):
            for read in self._read(some):
                self._counts[read.code if isinstance(read, Reject) else VALID] += 1
                yield read
        self._lines_by_number = {}  # a million of them weigh more than all that comes after

    def check_unchanged(self) -> None:
        """Raises ListChanged when the file is not what it was as it was opened: half of what was read may be gone."""
        if _written(self.file) != self._written:
            raise ListChanged(f"{self.file} was changed while it was being read", "wait until it is written whole")

    def estimated_rows(self) -> int:
        """About how many rows there are, told without reading them."""
        return self._table.estimated_rows()

    @property
    def summary(self) -> ImportSummary:
        """The counts of the rows read so far."""
        return ImportSummary.of(self._counts)

    def _read(self, rows: Sequence[Row]) -> list[ContactRow | Reject]:
        read = [self._contact_or_reject(row) for row in rows]
        if self._leaves_out is None:
            return read
        out = self._leaves_out([one.phone.e164 for one in read if isinstance(one, ContactRow)])
        return [self._left_out(one, row, out) for one, row in zip(read, rows, strict=True)] if out else read

    def _contact_or_reject(self, row: Row) -> ContactRow | Reject:
        try:
            contact = self._reader.read(row)
        except RowRejected as no:
            return no.reject(row)
        first = self._lines_by_number.setdefault(int(contact.phone.digits), row.line)
        if first == row.line:
            return contact
        reason = f"the same number stands in line {first}"
        return RowRejected(
            self._repeated, self._reader.phone_column(row.cells), reason, "keep one of the two rows"
        ).reject(row)

    def _left_out(
        self, one: ContactRow | Reject, row: Row, out: Mapping[str, tuple[RejectCode, str]]
    ) -> ContactRow | Reject:
        if isinstance(one, Reject) or one.phone.e164 not in out:
            return one
        code, reason = out[one.phone.e164]
        left_out = RowRejected(code, self._reader.phone_column(row.cells), reason)
        return left_out.reject(row._replace(cells=()) if code is RejectCode.ERASED else row)


def _written(file: Path) -> tuple[int, int]:
    """When a file was last written to, and its length."""
    there = file.stat()
    return there.st_mtime_ns, there.st_size


def read_audience(
    definition: Definition,
    folder: Path,
    *,
    check_script: CheckScript | None = None,
    find_excluded: FindExcluded | None = None,
) -> Audience:
    """Look at a campaign's list in its folder and get ready to read it; `check_script` knows the provider's limits.

    Raises BadContactsFile when the list cannot be read at all, DefinitionFaults when it is not the list that the
    definition speaks of, or when what everybody would hear cannot be spoken.
    """
    written = definition.contacts.file
    file = download(written, folder, definition.campaign) if is_url(written) else folder / written
    table = open_table(file, definition.contacts.sheet)
    columns = find_columns(definition, table)
    faults = list(_script_faults(definition, columns, check_script))
    if faults:
        raise DefinitionFaults(faults)
    if next(table.rows(), None) is None:
        raise BadContactsFile(f"{table.file}: the list has a header and no rows", "add a row for each contact")
    return Audience(definition, table, RowReader(definition, table, columns, check_script), find_excluded)


def _script_faults(definition: Definition, columns: Columns, check_script: CheckScript | None) -> Iterator[FileFault]:
    """What is wrong with the message for everybody, whoever is on the list."""
    if check_script is None:
        return
    template = definition.template
    if definition.message is None:
        return
    text = template.render({}) if template and template.is_fixed else "test"
    fault = check_script(definition.script(text))
    if fault is not None and (definition.is_same_for_all or fault.code in CAMPAIGN_WIDE_FAULTS):
        key = "media" if template is None else "voice" if fault.code == "voice" else "tts"
        yield definition.fault(("message", key), fault.reason, fault.suggestion)
        return
    for name in columns.voice if template is not None else ():
        fault = check_script(definition.script("test", {name: "en-US"}))
        if fault is not None:
            yield definition.fault(("contacts", name), fault.reason, f"remove contacts.{name}")
